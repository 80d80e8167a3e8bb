package receive

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// wires makes up what senders, proxies and attackers write: mostly proper
// requests, each with a fault here and there.
type wires struct{ *rand.Rand }

// often is usual, and one of the others now and then.
func (w wires) often(usual string, others ...string) string {
	if w.IntN(6) > 0 {
		return usual
	}
	return others[w.IntN(len(others))]
}

func (w wires) request() string {
	body := []string{"", "abc", payload, strings.Repeat("x", w.IntN(12_000))}[w.IntN(4)]
	length := func(format string) string { return fmt.Sprintf(format, len(body)) }
	fields := []string{
		w.often("Host: h", "host:h:80", "Host: ", "Host : h", "Host: a b", "Host: h\r\nHost: h", "X: y", "Host: [::1]", "Host: h/x", "Host:\th"),
		w.often(length("Content-Length: %d"), length("content-length:%d"), length("Content-Length : %d"), length("Content-Length: +%d"),
			length("Content-Length: 00%d"), length("Content-Length: %d, 3"), length("Content-Length: %d\r\nContent-Length: 3"),
			length("Content-Length: 0x%x"), length("Content-Length: %d\r\nTransfer-Encoding: identity"), length("Content_Length: %d"),
			length("Content-Length: 1%d"), "Content-Length: -1", "Content-Length:", "Content-Length: 99999999999999999999", "X: y"),
	}
	for range w.IntN(4) {
		fields = append(fields, w.often("X-A: b", "X-A:", ": b", "X", "X A: b", " folded", "\tfolded", "X: \x01", "X: é", "X: a\nb: c", "X: a\rb",
			"Connection: close", "Connection: keep-alive", "Connection: Close, x", "Connection: upgrade", "Upgrade: h2c", "Te: trailers", "Trailer: X",
			"Expect: 100-continue", "Expect: nonsense", "Pragma: no-cache", "Transfer-Encoding: gzip", "Proxy-Connection: close",
			"Content-Encoding: gzip", "x_y: z", "X!#: y", "X: "+strings.Repeat("y", w.IntN(9_000))))
	}
	w.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	var b strings.Builder
	b.WriteString(w.often("POST", "GET", "PUT", "post", "POST ", "OPTIONS", "\r\nPOST", " POST", "PO\x00ST"))
	b.WriteString(w.often(" ", "  ", "\t"))
	b.WriteString(w.often("/", "/a", "/a?b=c", "*", "http://h/", "//x", "/%41", "/%zz", "/#x", "", "/a b", "/\x7f", "/é", "/;a", "/:80", "/a:b@c", "/..//../"))
	b.WriteString(w.often(" HTTP/1.1", " HTTP/1.2", " HTTP/2.0", " http/1.1", "  HTTP/1.1", " HTTP/1.1 ", " HTTP/0.9"))
	b.WriteString(w.often("\r\n", "\n", "\r\r\n", "\r"))
	for _, f := range fields {
		b.WriteString(f)
		b.WriteString(w.often("\r\n", "\r\n", "\r\n", "\r\n", "\n"))
	}
	return b.String() + "\r\n" + body
}

// Whatever comes by a connection, in whatever pieces, is answered alike and
// becomes the same deliveries, whoever speaks HTTP. Left out is what is better
// understood where the beginning of a connection was plain: which chunks, and
// bodies of HTTP/1.0, end where they seem to.
func TestConversationsAlike(t *testing.T) {
	rounds := 1_500
	if os.Getenv("JULIANCTL_LONG") != "" {
		rounds = 100_000
	}
	random := wires{rand.New(rand.NewPCG(1, 2))}
	plain := 0
	for range rounds {
		wire := ""
		for range 1 + random.IntN(3) {
			wire += random.request()
		}
		if _, ok := parsePlain([]byte(wire)); ok {
			plain++
		}
		step := []int{len(wire), 1 + random.IntN(3_000), 1 + random.IntN(100)}[random.IntN(3)]
		if d := cmp.Diff(converseIn(t, wire, step, true), converseIn(t, wire, step, false)); d != "" {
			t.Fatalf("%.1000q in steps of %d: net/http and this differ: %s", wire, step, d)
		}
	}
	if plain < rounds/10 {
		t.Errorf("%d of %d began plain", plain, rounds)
	}
}

// converseIn writes wire in pieces of step bytes, and returns all answers and
// deliveries.
func converseIn(t *testing.T, wire string, step int, netHTTP bool) (came []string) {
	synctest.Test(t, func(t *testing.T) {
		ln := newPipes()
		r := serve(t, Options{netHTTP: netHTTP, MaxBody: 10_000}, ln)
		client := ln.sendBy(t, wire, step)
		from := bufio.NewReader(client)
		for {
			answer, err := http.ReadResponse(from, nil)
			if err != nil {
				break
			}
			body, err := io.ReadAll(answer.Body)
			came = append(came, fmt.Sprintf("%s %q %v, close %v", answer.Status, body, err, answer.Close))
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		for _, d := range r.end() {
			came = append(came, fmt.Sprintf("%s %q %q %s %v %d %q: %q %q %d", d.Method, d.URI, d.Host, d.Proto, d.Header, d.Size, d.Body, d.Refusal, d.Reason, d.Outcome.Status))
		}
	})
	return came
}
