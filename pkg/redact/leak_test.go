package redact

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// What stands where nobody expects it does not slip through.
func TestUnexpectedPlaces(t *testing.T) {
	for _, tt := range []struct{ body, path, want string }{
		{`{"name":"+447911123456"}`, "name", `^\+440\d{9}$`},
		{`{"name":"Ada 4479111"}`, "name", `^[B-Z][a-z]{2} \d{7}$`},
		{`{"phoneNumber":"sip:ada@byron.example"}`, "phoneNumber", `^[a-z]{3}:[a-z]{3}@[a-z]{5}\.[a-z]{7}$`},
		{`{"phoneNumber":"+1002"}`, "phoneNumber", `^\+[1-9]\d{3}$`},
		{`{"callUrl":"https://julian.11x.ai/x?name=Ada+Byron#44791"}`, "callUrl", `^https://julian\.11x\.ai/x\?[a-z]{4}=[A-Z][a-z]{2}\+[A-Z][a-z]{4}#\d{5}$`},
		{`{"callUrl":"https://crm.example.com/%D0%98%d0"}`, "callUrl", `^https://[a-z]+\.test/(%6[1-9]){3}$`},
		{`{"crmSchedulingDetails":{"note":"Met Ada Byron. Late"}}`, "crmSchedulingDetails.note", `^[A-Z][a-z]{2} [A-Z][a-z]{2} [A-Z][a-z]{4}\. [A-Z][a-z]{3}$`},
		{`{"a":447911123456447911123456}`, "a", `^[1-9]\d{23}$`},
		{`{"a":-447911}`, "a", `^-[1-9]\d{5}$`},
		{`{"a":0.123456e7}`, "a", `^0\.\d{6}e7$`},
		{`{"a":"1980-02-03"}`, "a", `^19\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])$`},
		{`{"a":"رقمي هو ٠٥٠١٢٣٤٥٦٧"}`, "a", `^\p{Arabic}{4} \p{Arabic}{2} [٠-٩]{10}$`},
		{`{"a":"電話は０９０－１２３４－５６７８"}`, "a", `^\p{Han}{2}\p{Hiragana}[０-９]{3}－[０-９]{4}－[０-９]{4}$`},
	} {
		out, err := redactor(t).Payload([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		got := gjson.GetBytes(out, tt.path)
		text := got.Str
		if got.Type == gjson.Number {
			text = got.Raw
		}
		if !regexp.MustCompile(tt.want).MatchString(text) {
			t.Errorf("%s: %q, want %s", tt.body, text, tt.want)
		}
		for _, left := range []string{"Ada", "ada", "Byron", "byron", "4791", "%D0", "٠٥٠١٢", "５６７８"} {
			if strings.Contains(text, left) {
				t.Errorf("%s: %q is left in %q", tt.body, left, text)
			}
		}
	}
}

// Where names or ids begin alike, the result does not depend on chance.
func TestOverlapsAreDecided(t *testing.T) {
	body := []byte(`{"callId":"call.abc123","sequence":{"sequenceId":"call.abc1234"},"callUrl":"https://julian.11x.ai/call.abc1234",
	"name":"李明","a":{"contact":"李明华","c_name":"明华"},"callResult":{"transcription":"今天李明华来了"}}`)
	want, err := redactor(t).Payload(body)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if got, err := redactor(t).Payload(body); err != nil || string(got) != string(want) {
			t.Fatalf("%s, and\n%s, %v", want, got, err)
		}
	}
	if id, link := gjson.GetBytes(want, "sequence.sequenceId").Str, gjson.GetBytes(want, "callUrl").Str; link != "https://julian.11x.ai/"+id {
		t.Errorf("link %s is not to %s", link, id)
	}
}

// A long line costs what it is long, whatever is in it: by its square, each of
// these would take minutes.
func TestLongLines(t *testing.T) {
	if os.Getenv("JULIANCTL_LONG") != "1" {
		t.Skip("takes seconds: JULIANCTL_LONG=1 runs it")
	}
	const size = 1 << 20
	for _, part := range []string{"1", "a", "é", "1 ", "a.b", "ada@byron.example ", "ada@byron.example,", "My Name Is ", "a-", "one ", "12 maple street ", "call.k1j2h3"} {
		body := []byte(`{"callId":"call.k1j2h3","a":"` + strings.Repeat(part, size/len(part)) + ` 1@"}`)
		start := time.Now()
		if _, err := redactor(t).Payload(body); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%q took %v", part, took)
		}
	}
}

// Whatever the key, a day becomes another day.
func TestDatesStayDates(t *testing.T) {
	want := regexp.MustCompile(`^\{"a":"19\d\d-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"\}$`)
	for i := range 2000 {
		r, err := New(fmt.Appendf(nil, "%016d", i), Options{})
		if err != nil {
			t.Fatal(err)
		}
		body := `{"a":"1980-02-03"}`
		if out, err := r.Payload([]byte(body)); err != nil || !want.Match(out) || string(out) == body {
			t.Fatalf("key %d: %s, %v", i, out, err)
		}
	}
}

// An id of the payload's own fields is one everywhere, also in what was said;
// digits written as words of one character are digits.
func TestIDsAndHanDigitsInText(t *testing.T) {
	body := []byte(`{"callId":"call.k1j2h3","callResult":{"transcription":"User: my call was call.k1j2h3, 电话是一三八零零一三八。"}}`)
	out, err := redactor(t).Payload(body)
	if err != nil {
		t.Fatal(err)
	}
	said := gjson.GetBytes(out, "callResult.transcription").Str
	if id := gjson.GetBytes(out, "callId").Str; !strings.Contains(said, "my call was "+id+",") {
		t.Errorf("%q does not name %q", said, id)
	}
	if strings.Contains(said, "一三八零") {
		t.Errorf("digits are left: %q", said)
	}
	if _, err := redactor(t).Payload([]byte(`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`)); !errors.Is(err, ErrNotPayload) {
		t.Errorf("200 levels: %v", err)
	}
}
