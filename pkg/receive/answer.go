package receive

import (
	"fmt"
	"maps"
	"net/http"
)

// refusals are the answers to what is not taken.
var refusals = map[Refusal]struct {
	status int
	why    string
	header http.Header
}{
	WrongPath:   {http.StatusNotFound, "deliveries are taken at another path", nil},
	WrongMethod: {http.StatusMethodNotAllowed, "deliveries are POST requests", http.Header{"Allow": {"POST"}}},
	WrongHeader: {http.StatusUnauthorized, "a required header is missing or has another value", nil},
	TooLarge:    {http.StatusRequestEntityTooLarge, "the body is too large", http.Header{"Connection": {"close"}}},
	Incomplete:  {http.StatusBadRequest, "the body is malformed or broke off", http.Header{"Connection": {"close"}}},
	TooSlow:     {http.StatusRequestTimeout, "the body took too long", http.Header{"Connection": {"close"}}},
	Busy:        {http.StatusServiceUnavailable, "too much is waiting; try again", http.Header{"Retry-After": {retryAfter}}},
	NotStored:   {http.StatusServiceUnavailable, "the delivery could not be stored; try again", http.Header{"Retry-After": {retryAfter}}},
}

func refuse(r Refusal) ForwardAnswer {
	row := refusals[r]
	return text(row.status, row.why, row.header)
}

// text is an answer for a person who looks at what came back.
func text(status int, line string, header http.Header) ForwardAnswer {
	all := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	maps.Copy(all, header)
	return ForwardAnswer{Status: status, Header: all, Body: []byte(line + "\n")}
}

// answer stores and forwards d as far as it goes, and decides on the answer.
func (s *Server) answer(d *Delivery) ForwardAnswer {
	if s.opts.Store != nil {
		if err := s.opts.Store(s.base, d); err != nil && d.Refusal == "" {
			d.Refusal = NotStored
		}
	}
	switch {
	case d.Refusal != "":
		return refuse(d.Refusal)
	case s.opts.Forward != nil:
		return s.forward(d)
	}
	return ForwardAnswer{Status: s.opts.Status}
}

func (s *Server) forward(d *Delivery) ForwardAnswer {
	start := s.opts.Now()
	answer, err := s.opts.Forward(s.base, d)
	if err == nil && (answer.Status < 200 || answer.Status > 599) {
		err = fmt.Errorf("status %d is no answer", answer.Status)
	}
	d.Forward = &Forwarded{Status: answer.Status, Took: s.opts.Now().Sub(start), Err: err}
	if err != nil {
		d.Forward.Status = 0
		return text(http.StatusBadGateway, "the endpoint behind this one gave no answer", nil)
	}
	answer.Header = EndToEnd(answer.Header)
	// net/http counts the bytes itself: what the endpoint announced need not
	// be what it sent.
	answer.Header.Del("Content-Length")
	return answer
}

// write sends the answer. An error means that the sender is gone, which net/http
// notices too.
func (a ForwardAnswer) write(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, a.Header)
	if header["Content-Type"] == nil {
		header["Content-Type"] = nil // or net/http would guess one
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}
