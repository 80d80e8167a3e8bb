package log

import (
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/journal"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/units"
)

// harExport writes an HTTP archive, version 1.2
// (http://www.softwareishard.com/blog/har-12-spec/).
type harExport struct {
	a *cli.App
	n int
}

type harEntry struct {
	Started  time.Time   `json:"startedDateTime"`
	Time     float64     `json:"time"`
	Request  harRequest  `json:"request"`
	Response harResponse `json:"response"`
	Cache    struct{}    `json:"cache"`
	Timings  harTimings  `json:"timings"`
	Comment  string      `json:"comment,omitempty"`
	ID       int64       `json:"_id"`                // in the log
	Attempt  int         `json:"_attempt,omitempty"` // of a redelivery, from 2 on
}

type harRequest struct {
	Method      string       `json:"method"`
	URL         string       `json:"url"`
	HTTPVersion string       `json:"httpVersion"`
	Cookies     []harPair    `json:"cookies"`
	Headers     []harPair    `json:"headers"`
	Query       []harPair    `json:"queryString"`
	PostData    *harPostData `json:"postData,omitempty"`
	HeadersSize int          `json:"headersSize"`
	BodySize    int64        `json:"bodySize"`
}

type harResponse struct {
	Status      int        `json:"status"`
	StatusText  string     `json:"statusText"`
	HTTPVersion string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	RedirectURL string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    int        `json:"bodySize"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harPostData struct {
	MimeType string    `json:"mimeType"`
	Params   []harPair `json:"params"`
	Text     string    `json:"text"`
	Encoding string    `json:"_encoding,omitempty"` // base64 when the body is not text; the format has no field for it
}

type harContent struct {
	Size     int64  `json:"size"`
	MimeType string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"` // base64 when the text is not UTF-8
	Comment  string `json:"comment,omitempty"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

func (x *harExport) begin() error {
	_, err := fmt.Fprintf(x.a.Out, `{"log":{"version":"1.2","creator":{"name":"julianctl","version":%s},"entries":[`, cli.CompactJSON(cli.Version()))
	return err
}

func (x *harExport) write(all iter.Seq2[*journal.Entry, error]) error {
	for e, err := range all {
		if err != nil {
			return err
		}
		first := harOf(x.a, e)
		if err := x.entry(first); err != nil {
			return err
		}
		for i := range e.Attempts {
			if err := x.entry(harAttempt(x.a, first, i+2, &e.Attempts[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *harExport) entry(h harEntry) error {
	separator := ",\n"
	if x.n == 0 {
		separator = "\n"
	}
	x.n++
	_, err := io.WriteString(x.a.Out, separator+string(safetext.JSON([]byte(cli.CompactJSON(h)))))
	return err
}

// harAttempt is a redelivery: the same request, to where it was sent.
func harAttempt(a *cli.App, first harEntry, n int, t *journal.Attempt) harEntry {
	h := first
	h.Started, h.Attempt, h.Comment = t.At, n, "sent again by "+t.By
	h.Request.URL, h.Request.Query = t.To, []harPair{}
	if u, err := url.Parse(t.To); err == nil {
		h.Request.Query = pairs(u.Query())
	}
	h.Time = units.Milliseconds(t.Took)
	h.Timings.Wait = h.Time
	h.Response = emptyResponse(first.Request.HTTPVersion)
	h.Response.Status, h.Response.StatusText = t.Status, http.StatusText(t.Status)
	h.Response.answer(a, t.Answer)
	if t.Err != "" {
		h.Comment += ": " + t.Err
	}
	return h
}

func emptyResponse(version string) harResponse {
	return harResponse{
		HTTPVersion: version, Cookies: []harPair{}, Headers: []harPair{},
		Content: harContent{MimeType: "x-unknown"}, HeadersSize: -1, BodySize: -1,
	}
}

// answer is what the endpoint said.
func (r *harResponse) answer(a *cli.App, answer *journal.Answer) {
	if answer == nil {
		return
	}
	header := safetext.MaskHeader(answer.Header, a.Config.RedactHeader...)
	r.Headers, r.BodySize = pairs(header), int(answer.Size)
	r.Content.Size = answer.Size
	if kind := answer.Header.Get("Content-Type"); kind != "" {
		r.Content.MimeType = kind
	}
	if text, ok := answer.Text(); ok {
		r.Content.Text = a.Hide(text)
	} else {
		r.Content.Text, r.Content.Encoding = base64.StdEncoding.EncodeToString(answer.Body), "base64"
	}
	if kept := int64(len(answer.Body)); kept < answer.Size {
		r.Content.Comment = fmt.Sprintf("the first %d bytes were kept", kept)
	}
}

func (x *harExport) end() error {
	_, err := io.WriteString(x.a.Out, "\n]}}\n")
	return err
}

func harOf(a *cli.App, e *journal.Entry) harEntry {
	h := harEntry{Started: e.Received, ID: e.ID}
	h.Request = harRequest{
		Method: e.Method, URL: deliveryview.URLOf(e), HTTPVersion: e.Proto,
		Cookies: []harPair{}, Headers: pairs(e.Header), Query: []harPair{}, HeadersSize: -1, BodySize: e.Size,
	}
	if u, err := url.ParseRequestURI(e.URI); err == nil {
		h.Request.Query = pairs(u.Query())
	}
	if len(e.Body) > 0 {
		post := &harPostData{MimeType: e.Header.Get("Content-Type"), Params: []harPair{}, Text: string(e.Body)}
		if !utf8.Valid(e.Body) {
			post.Text, post.Encoding = base64.StdEncoding.EncodeToString(e.Body), "base64"
		}
		h.Request.PostData = post
	}
	h.Response = emptyResponse(e.Proto)
	if o := e.Outcome; o != nil {
		h.Response.Status, h.Response.StatusText = o.Status, http.StatusText(o.Status)
		h.Time = units.Milliseconds(o.Took)
		h.Timings.Wait = h.Time
		if f := o.Forward; f != nil && f.Err == "" && f.Status == o.Status { // otherwise the sender got another answer
			h.Response.answer(a, f.Answer)
		}
	} else {
		h.Comment = "the listener ended before the answer was known"
	}
	return h
}

// pairs are the fields of a header or a query, sorted.
func pairs(fields map[string][]string) []harPair {
	out := []harPair{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range fields[name] {
			out = append(out, harPair{name, value})
		}
	}
	return out
}
