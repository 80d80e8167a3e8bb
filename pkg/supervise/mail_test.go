package supervise

import (
	"context"
	"encoding/base64"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

// A mail server of the test's own takes what net/smtp sends, whatever encoding the
// body has, and each message is a step that can be held, refused and cut.
func TestMailSpy(t *testing.T) {
	t.Parallel()
	rec := NewRecorder()
	spy, err := NewMailSpy("mail", rec)
	if err != nil {
		t.Fatal(err)
	}
	defer spy.Close()
	send := func(id, body string) error {
		auth := smtp.PlainAuth("", "someone", "secret", "127.0.0.1")
		return smtp.SendMail(spy.Addr(), auth, "from@test", []string{"to@test"}, []byte("Subject: a call\r\n\r\n"+strings.ReplaceAll(body, "ID", id)+"\r\n"))
	}
	effects := func(id string) int {
		n, err := spy.Effects(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for id, body := range map[string]string{
		"call.julianctl-1": "of ID\r\n.\r\n..and dots",
		"call.julianctl-2": base64.StdEncoding.EncodeToString([]byte("of call.julianctl-2")),
		"call.julianctl-3": "of call=\r\n.julianctl=2D3",
	} {
		if err := send(id, body); err != nil || effects(id) != 1 {
			t.Errorf("%s: %v, %d times; want 1", id, err, effects(id))
		}
	}
	spy.Set(SpyFails)
	if err := send("call.julianctl-4", "of ID"); err == nil || !strings.HasPrefix(err.Error(), "451") || effects("call.julianctl-4") != 0 {
		t.Errorf("made to fail: %v, %d times", err, effects("call.julianctl-4"))
	}
	spy.Set(SpySilent)
	if err := send("call.julianctl-4", "of ID"); err == nil || effects("call.julianctl-4") != 0 {
		t.Errorf("made silent: %v, %d times", err, effects("call.julianctl-4"))
	}
	spy.Set(SpyAnswers)
	steps := rec.Steps()
	if len(steps) != 5 || steps[0].Text != "mail" || steps[0].Answer != "250" || !steps[0].Write || !strings.Contains(steps[0].Raw, "to@test") {
		t.Fatalf("%+v", steps)
	}
	// Held before: nobody has it. Cut after: it is there, and the sender does not
	// know.
	for _, after := range []bool{false, true} {
		rec.Begin()
		hold := rec.Hold(Point{Hash: steps[0].Point.Hash, Occurrence: 1}, after)
		id, sent := "call.julianctl-before", make(chan error, 1)
		want := 0
		if after {
			id, want = "call.julianctl-after", 1
		}
		go func() { sent <- send(id, "of ID") }()
		select {
		case <-hold.Hit():
		case <-time.After(10 * time.Second):
			t.Fatal("not held")
		}
		if got := effects(id); got != want {
			t.Errorf("%s: %d times, want %d", id, got, want)
		}
		rec.Release(hold, Cut)
		if err := <-sent; err == nil || effects(id) != want {
			t.Errorf("%s: %v, %d times, want %d", id, err, effects(id), want)
		}
	}
}
