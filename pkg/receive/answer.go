package receive

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/julianctl/julianctl/pkg/record"
)

// refusals are the answers to refused requests.
var refusals = map[Refusal]struct {
	status int
	why    string
	header http.Header
}{
	WrongPath:   {http.StatusNotFound, "deliveries are accepted at another path", nil},
	WrongMethod: {http.StatusMethodNotAllowed, "deliveries are POST requests", http.Header{"Allow": {"POST"}}},
	WrongHeader: {http.StatusUnauthorized, "a required header is missing or has another value", nil},
	TooLarge:    {http.StatusRequestEntityTooLarge, "the body is too large", http.Header{"Connection": {"close"}}},
	Incomplete:  {http.StatusBadRequest, "the body is malformed or broke off", http.Header{"Connection": {"close"}}},
	TooSlow:     {http.StatusRequestTimeout, "the body took too long", http.Header{"Connection": {"close"}}},
	Busy:        {http.StatusServiceUnavailable, "too much is waiting; try again", http.Header{"Retry-After": {retryAfter}}},
	Malformed:   {http.StatusBadRequest, "the end of the body is ambiguous", http.Header{"Connection": {"close"}}},
	NoRoom:      {http.StatusInsufficientStorage, "there is no room to store the delivery; try again", http.Header{"Retry-After": {retryAfter}}},
	NotStored:   {http.StatusServiceUnavailable, "the delivery could not be stored; try again", http.Header{"Retry-After": {retryAfter}}},
}

func refuse(r Refusal) ForwardAnswer {
	row := refusals[r]
	return text(row.status, row.why, row.header)
}

// text is an answer in plain text.
func text(status int, line string, header http.Header) ForwardAnswer {
	all := http.Header{"Content-Type": {"text/plain; charset=utf-8"}}
	maps.Copy(all, header)
	return ForwardAnswer{Status: status, Header: all, Body: []byte(line + "\n")}
}

// planned returns the answer to d as far as it is known before d is stored. Its
// status is 0 if the forwarder's endpoint decides, or if no answer is sent.
func (s *Server) planned(d *Delivery) ForwardAnswer {
	switch {
	case d.Refusal != "":
		return refuse(d.Refusal)
	case d.Fault.Failed:
		return s.opts.Faults.failure()
	case d.Fault.Dropped || s.opts.Forward != nil:
		return ForwardAnswer{}
	}
	return s.acknowledgement
}

// answer stores and forwards d and returns the answer.
func (s *Server) answer(d *Delivery) ForwardAnswer {
	answer := s.planned(d)
	d.Outcome.Status = answer.Status
	if refusal := s.store(d); refusal != "" && d.Refusal == "" {
		d.Refusal, d.Fault = refusal, Fault{}
		return refuse(refusal)
	}
	if s.opts.Forward != nil && d.Refusal == "" && !d.Fault.Failed {
		answer = s.forward(d)
	}
	return answer
}

func (s *Server) store(d *Delivery) Refusal {
	if s.opts.Store == nil {
		return ""
	}
	switch err := s.opts.Store(s.base, d); {
	case err == nil:
		return ""
	case errors.Is(err, ErrFull):
		return NoRoom
	}
	return NotStored
}

func (s *Server) forward(d *Delivery) ForwardAnswer {
	start := s.opts.Now()
	answer, err := s.opts.Forward(s.base, d)
	if err == nil && (answer.Status < 200 || answer.Status > 599) {
		err = fmt.Errorf("status %d is not a final status", answer.Status)
	}
	forward := &record.Forward{To: answer.To, Status: answer.Status, Took: s.opts.Now().Sub(start), Attempts: max(1, answer.Attempts)}
	d.Outcome.Forward = forward
	if err != nil {
		forward.Status, forward.Err = 0, err.Error()
		return text(http.StatusBadGateway, "the endpoint behind this one gave no answer", nil)
	}
	forward.Answer = &record.Answer{Header: answer.Header, Body: answer.Body, Size: int64(len(answer.Body))}
	if len(answer.Body) > record.MaxAnswer {
		// Otherwise all of it stays in memory until the sink has it.
		forward.Answer.Body = bytes.Clone(answer.Body[:record.MaxAnswer])
	}
	answer.Header = EndToEnd(answer.Header)
	// net/http counts the bytes itself: the endpoint may have sent a wrong length.
	answer.Header.Del("Content-Length")
	return answer
}

// write sends the answer. Errors are ignored: the sender is gone, which net/http
// notices, too.
func (a ForwardAnswer) write(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, a.Header)
	if len(a.Body) == 0 {
		w.WriteHeader(a.Status)
		return
	}
	if header["Content-Type"] == nil {
		header["Content-Type"] = nil // or net/http would guess one
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// append appends the answer as it is sent. With last, the connection is closed
// after it.
func (a ForwardAnswer) append(b []byte, now time.Time, last bool) []byte {
	text := http.StatusText(a.Status)
	if text == "" {
		text = fmt.Sprintf("status code %d", a.Status)
	}
	b = strconv.AppendInt(append(b, "HTTP/1.1 "...), int64(a.Status), 10)
	b = append(append(append(b, ' '), text...), "\r\n"...)
	if len(a.Header) > 0 {
		header := bytes.NewBuffer(b)
		// Writing to a bytes.Buffer cannot fail.
		_ = a.Header.WriteSubset(header, map[string]bool{"Connection": true, "Content-Length": true})
		b = header.Bytes()
	}
	if a.Header["Date"] == nil {
		b = append(now.UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
	}
	if last {
		b = append(b, "Connection: close\r\n"...)
	}
	if a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		return append(b, "\r\n"...)
	}
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(a.Body)), 10)
	return append(append(b, "\r\n\r\n"...), a.Body...)
}
