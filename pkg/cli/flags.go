package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/units"
	"github.com/spf13/cobra"
)

// ByteSize is a flag like 10MiB.
type ByteSize int64

// Type implements pflag.Value.
func (b *ByteSize) Type() string { return "size" }

// String implements pflag.Value.
func (b *ByteSize) String() string {
	for _, u := range byteUnits {
		if n := int64(*b); n >= u.bytes && n%u.bytes == 0 {
			return fmt.Sprintf("%d%s", n/u.bytes, u.name)
		}
	}
	return fmt.Sprint(int64(*b))
}

// Set implements pflag.Value.
func (b *ByteSize) Set(s string) error {
	digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	unit := cmp.Or(strings.TrimSpace(s[len(digits):]), "B")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) || err == nil && n == 0 {
		return errors.New("want a size such as 512KiB or 10MiB")
	}
	for _, u := range byteUnits {
		if strings.EqualFold(unit, u.name) && n <= (1<<40)/u.bytes {
			*b = ByteSize(n * u.bytes)
			return nil
		}
	}
	return errors.New("want a size such as 512KiB or 10MiB, up to 1TiB")
}

var byteUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// TimeSpan is a flag like 90m, 24h or 7d.
type TimeSpan time.Duration

// Type implements pflag.Value.
func (t *TimeSpan) Type() string { return "time" }

// Duration is t as Go counts it.
func (t *TimeSpan) Duration() time.Duration { return time.Duration(*t) }

// String implements pflag.Value.
func (t *TimeSpan) String() string {
	const day = 24 * time.Hour
	switch d := t.Duration(); {
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d > 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d > 0 && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return d.String()
	}
}

// Set implements pflag.Value.
func (t *TimeSpan) Set(s string) error {
	d, err := time.ParseDuration(s)
	if text, isDays := strings.CutSuffix(s, "d"); isDays {
		var days int64
		if days, err = strconv.ParseInt(text, 10, 64); err == nil && days < 36500 {
			d = time.Duration(days) * 24 * time.Hour
		}
	}
	if err != nil || d <= 0 {
		return errors.New("want a time such as 90m, 24h or 7d")
	}
	*t = TimeSpan(d)
	return nil
}

// DurationRange is a flag like 2s or 200ms..2s.
type DurationRange struct{ Min, Max time.Duration }

// Type implements pflag.Value.
func (d *DurationRange) Type() string { return "range" }

// String implements pflag.Value.
func (d *DurationRange) String() string {
	switch {
	case d.Max == 0:
		return ""
	case d.Min == d.Max:
		return units.Exactly(d.Min)
	}
	return units.Exactly(d.Min) + ".." + units.Exactly(d.Max)
}

// Set implements pflag.Value.
func (d *DurationRange) Set(s string) error {
	low, high, found := strings.Cut(s, "..")
	if !found {
		high = low
	}
	shortest, err1 := time.ParseDuration(low)
	longest, err2 := time.ParseDuration(high)
	if err1 != nil || err2 != nil || shortest < 0 {
		return errors.New("want a time such as 2s, or two such as 200ms..2s")
	}
	if longest < shortest {
		return errors.New("the second time is shorter than the first")
	}
	*d = DurationRange{shortest, longest}
	return nil
}

// FormatFlag declares --format with its values; the first is the default.
func FormatFlag(cmd *cobra.Command, into *string, values ...string) {
	*into = values[0]
	ChoiceFlag(cmd, into, "format", "form of the results on stdout", values...)
}

// ChoiceFlag declares a flag that takes one of values.
func ChoiceFlag(cmd *cobra.Command, into *string, name, doc string, values ...string) {
	cmd.Flags().Var(&choice{into, values}, name, doc+": "+strings.Join(values, ", "))
	// The only error is a flag that is not there, and it was declared above.
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// choice is a pflag.Value with a fixed set of values.
type choice struct {
	value  *string
	values []string
}

func (c *choice) String() string { return *c.value }

func (c *choice) Type() string { return "name" }

// Values are what the flag takes.
func (c *choice) Values() []string { return c.values }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.values, s) {
		return fmt.Errorf("want one of %s", strings.Join(c.values, ", "))
	}
	*c.value = s
	return nil
}
