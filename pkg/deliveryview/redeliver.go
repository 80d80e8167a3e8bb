package deliveryview

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// Redelivery is e as it was received, to be sent to an endpoint with a header of
// its own. Secrets were masked before they were stored, and are left out.
func Redelivery(to *url.URL, own deliver.Header, e *journal.Entry) deliver.Request {
	d := e.Delivery
	d.Header = d.Header.Clone()
	for name, values := range d.Header {
		if slices.Contains(values, safetext.Masked) {
			d.Header.Del(name)
		}
	}
	return cli.ForwardRequest(to, own, &d)
}

// AttemptFrom is what came of a redelivery, for the log. By is the command that
// sent it.
func AttemptFrom(a *cli.App, by, to string, answer deliver.Answer) journal.Attempt {
	t := journal.Attempt{
		At: answer.Due, By: by, To: cli.WithoutPassword(to), Status: answer.Status, Took: answer.Latency(),
	}
	if answer.Err != nil {
		t.Status, t.Err = 0, a.Hide(answer.Err.Error())
		return t
	}
	t.Answer = &journal.Answer{Header: answer.Header.HTTP(), Body: answer.Body, Size: answer.BodySize}
	return t
}

// loggedSource is what a payload of the log is called, before its number.
const loggedSource = "log "

// loggedID is the number of a payload that came out of the log.
func loggedID(source string) (id int64, ok bool) {
	number, ok := strings.CutPrefix(source, loggedSource)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseInt(number, 10, 64)
	return id, err == nil
}

// readOnly reports whether a log that cannot be opened to write may be read.
func readOnly(err error) bool {
	return errors.Is(err, journal.ErrReadOnly) || errors.Is(err, journal.ErrLocked) || errors.Is(err, journal.ErrFull)
}
