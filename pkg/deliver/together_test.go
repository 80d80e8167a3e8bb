package deliver

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// All copies are at the endpoint before any is answered, on their own
// connections.
func TestTogetherMeets(t *testing.T) {
	const n = 8
	noLeaks(t)
	var arrived sync.WaitGroup
	arrived.Add(n)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived.Done()
		arrived.Wait() // sent one by one, the first would never be answered
	}))
	defer s.Close()
	c := newClient(t, s.URL, Options{Timeout: 10 * time.Second})
	for _, size := range []int{0, 1, 2000, 100_000} {
		requests := make([]Request, n)
		for i := range requests {
			requests[i].Body = []byte(strings.Repeat("x", size))
		}
		answers, skew := c.Together(t.Context(), requests)
		for i, a := range answers {
			if a.Status != 200 || a.Err != nil || a.Sent.Before(a.Due) || a.Answered.Before(a.Sent) && a.First.IsZero() {
				t.Errorf("size %d, copy %d: %+v", size, i, a)
			}
			if d := a.Sent.Sub(answers[0].Due); d < 0 || d > skew {
				t.Errorf("size %d, copy %d: released after %s, skew %s", size, i, d, skew)
			}
		}
		if skew <= 0 || skew > time.Second {
			t.Errorf("size %d: skew %s", size, skew)
		}
		t.Logf("size %d: skew %s", size, skew)
		arrived.Add(n)
	}
	c.Close()
	arrived.Add(-n)
}

// Until the last copy is ready, each of the others has sent all but one byte.
func TestTogetherHoldsBack(t *testing.T) {
	const length = "Content-Length: 6\r\n\r\n"
	almost := make(chan string)
	rest := make(chan string, 2)
	s := newRawServer(t, func(n int, c net.Conn) {
		r := bufio.NewReader(c)
		var head []byte
		for !strings.HasSuffix(string(head), length+"hello") {
			b, err := r.ReadByte()
			if err != nil {
				return
			}
			head = append(head, b)
		}
		if n == 0 {
			// Nothing more may come while the second connection is held up.
			_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			_, err := r.ReadByte()
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("the last byte came early: %v", err)
			}
			_ = c.SetReadDeadline(time.Time{})
			almost <- "ready"
		}
		b, _ := r.ReadByte()
		rest <- string(b)
		_, _ = io.WriteString(c, ok204)
	})
	var dials sync.Mutex
	second := false
	c := newClient(t, s.url, Options{Timeout: 10 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Lock()
		defer dials.Unlock()
		if second {
			<-almost
		}
		second = true
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	answers, _ := c.Together(t.Context(), []Request{{Body: []byte("hello!")}, {Body: []byte("hello!")}})
	for i, a := range answers {
		if a.Status != 204 || a.Err != nil {
			t.Errorf("copy %d: %+v", i, a)
		}
		if b := <-rest; b != "!" {
			t.Errorf("copy %d ended in %q", i, b)
		}
	}
}

// One copy cannot connect: the others go, and each has its own verdict.
func TestTogetherWithoutOne(t *testing.T) {
	noLeaks(t)
	s := httptest.NewServer(handler(204, nil, ""))
	defer s.Close()
	var mu sync.Mutex
	dials := 0
	c := newClient(t, s.URL, Options{Timeout: 10 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dials++
		n := dials
		mu.Unlock()
		if n == 2 {
			return nil, errors.New("no more sockets")
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}})
	answers, _ := c.Together(t.Context(), make([]Request, 3))
	c.Close()
	ok, unreachable := 0, 0
	for _, a := range answers {
		switch {
		case a.Err == nil && a.Status == 204:
			ok++
		case errors.Is(a.Err, Unreachable):
			unreachable++
		default:
			t.Errorf("%+v", a)
		}
	}
	if ok != 2 || unreachable != 1 {
		t.Errorf("%d ok, %d unreachable", ok, unreachable)
	}
}

// The endpoint closes, or answers, before the last byte is released.
func TestTogetherEarlyEnd(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		status       int
		class        Class
	}{
		{"closed", "", 0, Unknown},
		{"answered", "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 503, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noLeaks(t)
			early := make(chan struct{})
			s := newRawServer(t, func(n int, c net.Conn) {
				r := bufio.NewReader(c)
				if n == 0 {
					_, _ = r.Peek(1)
					_, _ = io.WriteString(c, tt.answer)
					_ = c.Close()
					close(early)
					return
				}
				readRequest(r)
				_, _ = io.WriteString(c, ok204)
			})
			first := make(chan struct{}, 1)
			first <- struct{}{}
			c := newClient(t, s.url, Options{Timeout: 10 * time.Second, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				select {
				case <-first:
				default:
					<-early
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}})
			answers, _ := c.Together(t.Context(), make([]Request, 2))
			c.Close()
			if answers[0].Status == 204 {
				answers[0], answers[1] = answers[1], answers[0]
			}
			if answers[0].Status != tt.status || ClassOf(answers[0].Err) != tt.class || answers[1].Status != 204 {
				t.Errorf("%+v\n%+v", answers[0], answers[1])
			}
		})
	}
}

// Together has the same time-outs as Send, from the release on.
func TestTogetherTimesOut(t *testing.T) {
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	slow := func(first, rest time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = readRequest(bufio.NewReader(c))
			<-time.After(first)
			if _, err := io.WriteString(c, ok204[:10]); err == nil {
				<-time.After(rest)
				_, _ = io.WriteString(c, ok204[10:])
			}
		}
	}
	for _, tt := range []struct {
		name  string
		opts  Options
		serve func(net.Conn)
		took  time.Duration
		want  string // error of every copy
	}{
		{"total", Options{Timeout: 5 * time.Second}, silent, 5 * time.Second, "no answer within 5s"},
		{"first byte", Options{Timeout: 9 * time.Second, FirstByteTimeout: 2 * time.Second}, silent, 2 * time.Second, "no answer within 2s"},
		{"first byte in time", Options{Timeout: 9 * time.Second, FirstByteTimeout: 2 * time.Second}, slow(time.Second, 5*time.Second), 6 * time.Second, ""},
		{"first byte in time, and then nothing", Options{Timeout: 9 * time.Second, FirstByteTimeout: 2 * time.Second}, slow(time.Second, time.Hour), 9 * time.Second, "answer not complete within 9s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, serving := pipeClient(t, tt.opts, tt.serve)
				dial, heldRequest := c.opts.Dial, new(atomic.Int32)
				c.opts.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if heldRequest.Add(1) == 3 { // the release waits for the last copy
						<-time.After(4 * time.Second)
					}
					return dial(ctx, network, address)
				}
				start := time.Now()
				answers, _ := c.Together(t.Context(), make([]Request, 3))
				for i, a := range answers {
					if got := fmt.Sprint(a.Err); got != cmp.Or(tt.want, "<nil>") || (a.Status == 204) != (tt.want == "") {
						t.Errorf("copy %d: %d, %v", i, a.Status, a.Err)
					}
				}
				if took := time.Since(start) - 4*time.Second; took != tt.took {
					t.Errorf("took %s from the release, want %s", took, tt.took)
				}
				c.Close()
				serving.Wait()
			})
		})
	}
}

func BenchmarkTogether(b *testing.B) {
	s := httptest.NewServer(handler(204, nil, ""))
	defer s.Close()
	c := newClient(b, s.URL, Options{})
	requests := make([]Request, 8)
	for i := range requests {
		requests[i].Body = make([]byte, 2000)
	}
	var all Latency
	for b.Loop() {
		_, skew := c.Together(b.Context(), requests)
		all.Record(skew)
	}
	b.ReportMetric(float64(all.At(50).Microseconds()), "skew-p50-µs")
	b.ReportMetric(float64(all.At(99).Microseconds()), "skew-p99-µs")
}
