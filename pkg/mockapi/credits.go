package mockapi

import (
	"fmt"
	"net/http"
	"time"

	"github.com/julianctl/julianctl/pkg/julian"
)

// What an agent has spent before the mock began, and what a call costs: invented, as is
// that a transaction is a call.
const (
	defaultCredits = 1000.0
	spentBefore    = 10.0
	callsBefore    = 5.0
	creditsPerCall = 2.0
)

// creditsUsage answers for a month, the current one by default, or for a range of days,
// where the organization's figures but for the spent credits are null. Whatever the
// period, it is that in which all was spent.
func (a *Provider) creditsUsage(r *http.Request) reply {
	const milliseconds = "2006-01-02T15:04:05.000Z"
	query := r.URL.Query()
	month, from, to := query.Get("month"), query.Get("startDate"), query.Get("endDate")
	now := a.opts.Now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, 0)
	inRange := from+to != ""
	var err error
	switch {
	case inRange:
		if first, last, err = days(from, to); err != nil {
			return invalid(err.Error())
		}
		if month != "" {
			return invalid("month: does not go with startDate and endDate")
		}
	case month != "":
		if first, err = time.Parse("2006-01", month); err != nil {
			return invalid("month: wants a month such as 2025-01")
		}
		last = first.AddDate(0, 1, 0)
	}
	start, end := first.Format(milliseconds), last.Add(-time.Millisecond).Format(milliseconds)
	usage := julian.CreditsUsage{Period: julian.UsagePeriod{StartDate: &start, EndDate: &end}}
	total := 0.0
	a.mu.Lock()
	for _, agent := range a.agents {
		spent, count := a.spent(agent), callsBefore+float64(a.made[agent])
		total += spent
		usage.Agents = append(usage.Agents, julian.AgentCredits{
			AgentID: new(agent), AgentName: new("Inbound Agent"), SpentCredits: new(spent), TransactionCount: new(count),
		})
	}
	a.mu.Unlock()
	usage.Organization.SpentCredits = new(total)
	if !inRange {
		allocated := a.allocated()
		usage.Period.Month = first.Format("2006-01")
		usage.Organization.AllocatedCredits = new(allocated)
		usage.Organization.RemainingCredits = new(max(0, allocated-total))
		usage.Organization.PercentageUsed = new(total / allocated * 100)
	}
	return answered(http.StatusOK, usage)
}

// days reads a range of days, both included.
func days(from, to string) (first, last time.Time, err error) {
	if first, err = time.Parse(time.DateOnly, from); err != nil {
		return first, last, fmt.Errorf("startDate: wants a day such as 2025-01-20")
	}
	if last, err = time.Parse(time.DateOnly, to); err != nil {
		return first, last, fmt.Errorf("endDate: wants a day such as 2025-01-20")
	}
	last = last.AddDate(0, 0, 1)
	switch length := last.Sub(first); {
	case length <= 0:
		return first, last, fmt.Errorf("endDate: is before startDate")
	case length > 366*24*time.Hour:
		return first, last, fmt.Errorf("endDate: is more than 366 days after startDate")
	}
	return first, last, nil
}

func (a *Provider) allocated() float64 {
	if a.opts.Credits > 0 {
		return a.opts.Credits
	}
	return defaultCredits
}

// spent is what an agent has spent. The caller holds the lock.
func (a *Provider) spent(agent string) float64 {
	return spentBefore + creditsPerCall*float64(a.made[agent])
}

// broke reports whether the credits are spent. The caller holds the lock.
func (a *Provider) broke() bool {
	total := 0.0
	for _, agent := range a.agents {
		total += a.spent(agent)
	}
	return a.opts.Credits > 0 && total >= a.opts.Credits
}
