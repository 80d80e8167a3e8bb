package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
)

// trial is what one check works with: it delivers, and keeps the evidence.
type trial struct {
	sender   Sender
	gen      *generate.Generator
	budget   []deliver.Limit
	evidence []Evidence
}

// finding is what a check concludes.
type finding struct {
	verdict     Verdict
	message     string
	details     []string
	unreachable bool // nothing could be asked
}

// call delivers a fresh synthetic call.
func (t *trial) call(ctx context.Context, what string, spec generate.Spec) (body []byte, callID string, a deliver.Answer) {
	e := t.gen.Event(spec)
	body, err := generate.Encode(e)
	if err != nil {
		return nil, e.CallID, deliver.Answer{Err: err}
	}
	return body, e.CallID, t.send(ctx, what, e.CallID, body)
}

// send delivers body and notes what came.
func (t *trial) send(ctx context.Context, what, callID string, body []byte) deliver.Answer {
	a := t.sender.Send(ctx, deliver.Request{Body: body})
	ev := Evidence{What: what, CallID: callID, Status: a.Status, LatencyMS: milliseconds(a.Latency())}
	if a.Err != nil {
		ev.Error = a.Err.Error()
	}
	t.evidence = append(t.evidence, ev)
	return a
}

// acknowledged reports whether an answer takes the delivery over.
func acknowledged(a deliver.Answer) bool { return a.Err == nil && a.Status/100 == 2 }

// unreachable reports that nothing was sent: there is nobody to judge.
func unreachable(a deliver.Answer) bool { return errors.Is(a.Err, deliver.Unreachable) }

// nobody is the finding of a check that could not ask.
func nobody(a deliver.Answer) finding {
	return finding{verdict: Undecided, message: a.Err.Error(), unreachable: true}
}

// describe is an answer in a few words.
func describe(a deliver.Answer) string {
	switch {
	case a.Err != nil:
		return a.Err.Error()
	case a.Status/100 == 3:
		return fmt.Sprintf("%d to %q, and redirects are not followed", a.Status, a.Header.Get("Location"))
	case http.StatusText(a.Status) == "":
		return fmt.Sprint(a.Status)
	}
	return fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status))
}

// acceptsAll delivers one call for each spec; all must be acknowledged.
func (t *trial) acceptsAll(ctx context.Context, names []string, spec func(name string) generate.Spec) finding {
	var refused []string
	for _, name := range names {
		_, _, a := t.call(ctx, name, spec(name))
		if unreachable(a) {
			return nobody(a)
		}
		if !acknowledged(a) {
			refused = append(refused, fmt.Sprintf("%s: %s", name, describe(a)))
		}
	}
	if refused != nil {
		return finding{verdict: Fail, message: fmt.Sprintf("%d of %d not acknowledged", len(refused), len(names)), details: refused}
	}
	return finding{verdict: Pass, message: fmt.Sprintf("all %d acknowledged", len(names))}
}

func valueNames[T ~string](values []julian.Value[T]) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v.Name)
	}
	return out
}
