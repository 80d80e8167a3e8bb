package mock

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/mockapi"
)

// sent is a delivery log of what the mock sent, as listen would have logged it. Each
// delivery is on disk before it leaves.
type sent struct {
	log    *journal.Log // nil: none
	target string       // URL
	common journal.Delivery
}

func openJournal(ctx context.Context, a *cli.App, path string, client *deliver.Client) (*sent, error) {
	if path == "" {
		return &sent{}, nil
	}
	// What is too old or too much for listen would be missing from the account here.
	log, err := journal.Open(ctx, path, journal.Options{MaxDeliveries: -1, MaxBytes: -1, Secrets: a.Config.RedactHeader, Now: a.Now})
	if err != nil {
		return nil, cli.LogErrorOf("--journal", path, err)
	}
	s := &sent{log: log, target: cli.WithoutPassword(client.Target().String())}
	header := client.Header().HTTP()
	header.Del("Host")
	scheme, rest, _ := strings.Cut(client.Target().String(), "://")
	host, path, _ := strings.Cut(rest, "/")
	s.common = journal.Delivery{Method: http.MethodPost, URI: "/" + path, Proto: "HTTP/1.1", Scheme: scheme, Host: host, Header: header}
	return s, nil
}

// before logs a delivery that is about to be sent.
func (s *sent) before(ctx context.Context, d *mockapi.Delivery) error {
	if s.log == nil {
		return nil
	}
	stored := s.common
	stored.Identify(d.Body)
	if len(d.Header) > 0 {
		stored.Header = stored.Header.Clone()
		for _, field := range d.Header {
			stored.Header.Set(field.Name, field.Value)
		}
	}
	stored.Received, stored.Body, stored.Size = d.Began, d.Body, int64(len(d.Body))
	if err := s.log.Append(ctx, &stored); err != nil {
		return fmt.Errorf("--journal: %w", err)
	}
	d.Note = stored.ID
	return nil
}

// after logs its answer.
func (s *sent) after(ctx context.Context, d *mockapi.Delivery) {
	id, logged := d.Note.(int64)
	if !logged {
		return
	}
	took := d.Answer.Answered.Sub(d.Began)
	to := &journal.Forward{To: s.target, Status: d.Answer.CompleteStatus(), Took: took, Attempts: 1}
	if d.Answer.Err != nil {
		to.Err = d.Answer.Err.Error()
	} else {
		to.Answer = &journal.Answer{Header: d.Answer.Header.HTTP(), Body: d.Answer.Body, Size: d.Answer.BodySize}
	}
	// Close says what could not be written.
	_ = s.log.Finish(context.WithoutCancel(ctx), id, journal.Outcome{Status: to.Status, Took: took, Forward: to})
}

func (s *sent) close() error {
	if s.log == nil {
		return nil
	}
	if err := s.log.Close(); err != nil {
		return cli.LogErrorOf("--journal", s.log.Path(), err)
	}
	return nil
}
