package mock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/export"
	"github.com/julianctl/julianctl/pkg/mockapi"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// webhookFlags say how contacts are called and webhooks delivered.
type webhookFlags struct {
	to            string // URL or name; empty: nothing is called
	delivery      cli.DeliveryFlags
	sender        string
	speed         speed
	calls         string // a number or a file; empty: none
	every         time.Duration
	everyGiven    bool
	pause         cli.DurationRange
	callCancelled bool
	exitAfter     int
	journal       string
	manifest      string

	client *deliver.Client
}

// webhookNames are the flags that do nothing without --webhook-to.
var webhookNames = []string{
	"sender", "speed", "calls", "every", "pause", "call-cancelled", "exit-after", "journal", "manifest",
	"header", "timeout", "allow-host", "insecure", "cacert",
}

func (f *webhookFlags) declare(cmd *cobra.Command) {
	f.speed, f.pause = 1, cli.DurationRange{Min: time.Hour, Max: 4 * time.Hour}
	f.delivery.DeclareWithoutTo(cmd)
	cli.ConfigFlag(cmd, "redact-header")
	flags := cmd.Flags()
	flags.StringVar(&f.to, "webhook-to", "", "endpoint that the calls' webhooks go to: a URL or a configured name")
	f.sender = sender.Profiles[0].Name
	cli.ChoiceFlag(cmd, &f.sender, "sender", "how deliveries are tried again, see \"help senders\"", sender.Names()...)
	flags.Var(&f.speed, "speed", "how fast the provider's time passes: 60x, or max to wait for nothing")
	flags.StringVar(&f.calls, "calls", "", "calls to make without an enrolment: how many, or a file of payloads; then end")
	flags.DurationVar(&f.every, "every", 5*time.Second, "make a call each TIME: those of --calls, or without --calls one after the other until Ctrl-C")
	flags.Var(&f.pause, "pause", "time from one call to a contact to the next: 2h, or 1h..4h for anything between")
	flags.BoolVar(&f.callCancelled, "call-cancelled", false, "deliver a call with the result Cancelled for a contact that is cancelled")
	flags.IntVar(&f.exitAfter, "exit-after", 0, "end when the sequences of N enrolled contacts are done")
	flags.StringVar(&f.manifest, "manifest", "", "manifest.json of an export of --calls: number the deliveries for export verify")
	flags.StringVar(&f.journal, "journal", "", "folder for a delivery log of what was sent, to read with log --log FOLDER")
}

// check refuses flags that would do nothing, or that make no sense.
func (f *webhookFlags) check(cmd *cobra.Command) error {
	changed := func(name string) bool { return cmd.Flags().Changed(name) }
	f.everyGiven = changed("every")
	if i := slices.IndexFunc(webhookNames, changed); i >= 0 && f.to == "" {
		return cli.UsageError(fmt.Errorf("--%s does nothing without an endpoint", webhookNames[i]), "say --webhook-to URL")
	}
	n, err := strconv.Atoi(f.calls)
	switch {
	case err == nil && n < 1:
		return cli.UsageError(fmt.Errorf("--calls %d is no number of calls", n), "")
	case f.manifest != "" && f.calls == "":
		return cli.UsageError(errors.New("--manifest does nothing without --calls"), "say which payloads were exported: --calls FILE")
	case f.exitAfter < 0:
		return cli.UsageError(fmt.Errorf("--exit-after %d is negative", f.exitAfter), "")
	case f.every < 0:
		return cli.UsageError(fmt.Errorf("--every %s is negative", f.every), "")
	case f.exitAfter > 0 && (f.calls != "" || f.everyGiven):
		return cli.UsageError(errors.New("--exit-after waits for enrolled contacts, and --calls and --every make calls without"), "leave one of them out")
	}
	return nil
}

// open sets the Webhook of api, if there is an endpoint.
func (f *webhookFlags) open(ctx context.Context, a *cli.App, api *mockapi.Options, p *printer) (done func() error, err error) {
	if f.to == "" {
		return func() error { return nil }, nil
	}
	profile, err := sender.Find(f.sender)
	if err != nil {
		return nil, cli.UsageError(err, "")
	}
	f.delivery.DefaultTimeout = profile.Timeout
	if f.client, err = a.DeliveryClientTo(f.to, f.delivery); err != nil {
		return nil, err
	}
	header, err := f.numbers()
	var log *sent
	if err == nil {
		log, err = openJournal(ctx, a, f.journal, f.client)
	}
	if err != nil {
		f.client.Close()
		return nil, err
	}
	calls, release := f.payloads(ctx, a, api)
	api.Webhook = &mockapi.Webhook{
		Client: f.client, Sender: profile, Speed: float64(f.speed), MinPause: f.pause.Min, MaxPause: f.pause.Max, CallCancelled: f.callCancelled,
		Calls: calls, Every: f.every, Header: header, Contacts: f.exitAfter, Before: log.before, Done: p.done,
		After: func(ctx context.Context, d *mockapi.Delivery) {
			p.delivery(d)
			log.after(ctx, d)
		},
	}
	return func() error {
		release()
		f.client.Close()
		return log.close()
	}, nil
}

// numbers are the header fields by which export verify knows the deliveries of an export,
// nil without one.
func (f *webhookFlags) numbers() (func(number int) deliver.Header, error) {
	if f.manifest == "" {
		return nil, nil
	}
	m, err := export.ReadManifest(f.manifest)
	if err != nil {
		return nil, cli.Failure(fmt.Errorf("--manifest: %w", err), "")
	}
	return func(number int) deliver.Header {
		return deliver.Header{{Name: export.HeaderRun, Value: m.Run}, {Name: export.HeaderSeq, Value: strconv.Itoa(number)}, {Name: export.HeaderCopy, Value: "1"}}
	}, nil
}

// payloads are the calls without an enrolment; nil: none.
func (f *webhookFlags) payloads(ctx context.Context, a *cli.App, api *mockapi.Options) (calls iter.Seq2[[]byte, error], release func()) {
	release = func() {}
	switch n, err := strconv.Atoi(f.calls); {
	case err == nil:
		calls = mockapi.Generated(api.Seed, mockapi.DefaultAgent, api.Shape, n)
	case f.calls == "" && f.everyGiven:
		calls = mockapi.Generated(api.Seed, mockapi.DefaultAgent, api.Shape, -1)
	case f.calls != "":
		var docs iter.Seq2[payload.Document, error]
		docs, release = a.Documents(ctx, []string{f.calls})
		calls = func(yield func([]byte, error) bool) {
			for doc, err := range docs {
				if err != nil {
					err = fmt.Errorf("--calls: %w", err)
				}
				if !yield(doc.Body, err) {
					return
				}
			}
		}
	}
	return calls, release
}

func (f *webhookFlags) banner(a *cli.App, seed uint64) {
	if f.to == "" {
		a.Note("contacts that are enrolled are not called; --webhook-to says where their webhooks go")
		return
	}
	profile, _ := sender.Find(f.sender) // open has found it
	a.Note("webhooks go to %s, --sender %s: %s; seed %d", a.ErrStyle.Bold(safetext.Line(f.client.Target().String())), profile.Name, profile.Doc, seed)
}

// speed is a flag like 60x, or max.
type speed float64

var _ pflag.Value = new(speed)

func (s *speed) Type() string { return "speed" }

func (s *speed) String() string {
	if math.IsInf(float64(*s), 1) {
		return "max"
	}
	return strconv.FormatFloat(float64(*s), 'g', -1, 64) + "x"
}

func (s *speed) Set(text string) error {
	if text == "max" {
		*s = speed(math.Inf(1))
		return nil
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "x"), 64)
	// Beyond that the clock would run out of its range within a day.
	if err != nil || !(f > 0 && f <= 100_000) {
		return errors.New("want a speed such as 60x, up to 100000x, or max")
	}
	*s = speed(f)
	return nil
}
