package export

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/jsonscan"
	"github.com/julianctl/julianctl/pkg/safetext"
)

// field is one header name with its values.
type field struct {
	name   string
	values []string
}

// fields returns the header in the form of the files: each name once.
func (e Export) fields() []field {
	var out []field
next:
	for _, f := range e.Header {
		for i := range out {
			if strings.EqualFold(out[i].name, f.Name) {
				out[i].values = append(out[i].values, f.Value)
				continue next
			}
		}
		out = append(out, field{f.Name, []string{f.Value}})
	}
	if !e.Header.Has("User-Agent") {
		out = append(out, field{"User-Agent", []string{""}}) // otherwise Go sends its own
	}
	return out
}

// targets encodes deliveries as JSON targets of vegeta, one per line:
// https://github.com/tsenart/vegeta/blob/master/lib/target.schema.json.
type targets struct {
	head []byte // of every line, up to the payload's number
}

func newTargets(e Export) *targets {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"method":"POST","url":%s,"header":{`, jsonText(e.URL))
	for _, f := range append(e.fields(), field{HeaderRun, []string{e.Run}}) {
		fmt.Fprintf(&b, "%s:%s,", jsonText(f.name), jsonText(f.values))
	}
	fmt.Fprintf(&b, `%q:["`, HeaderSeq)
	return &targets{head: b.Bytes()}
}

// append appends one delivery, whose body is in base64.
func (t *targets) append(dst []byte, number, copy int, body []byte) []byte {
	dst = append(dst, t.head...)
	dst = strconv.AppendInt(dst, int64(number), 10)
	dst = append(dst, `"],"`+HeaderCopy+`":["`...)
	dst = strconv.AppendInt(dst, int64(copy), 10)
	dst = append(dst, `"]},"body":"`...)
	dst = append(dst, body...)
	return append(dst, '"', '}', '\n')
}

// jsonText returns v as JSON that is safe for a terminal.
func jsonText(v any) []byte {
	b, _ := jsonscan.Append(nil, v) // of text, lists and maps of it: these always encode
	return safetext.JSON(b)
}

// Targets writes the deliveries of steps to w as JSON targets of vegeta, as a stream:
// memory depends on the largest payload. The first error of steps ends it.
func (e Export) Targets(w io.Writer, steps iter.Seq2[deliver.Step, error]) (Counts, error) {
	t := newTargets(e)
	var c Counts
	var lines []byte
	write := func() error {
		_, err := w.Write(lines)
		lines = lines[:0]
		return err
	}
	for group := range e.encode(steps, false) {
		for _, s := range group.steps {
			c.add(s.Step)
			for n := s.First; n <= s.Last; n++ {
				if lines = t.append(lines, s.Number, n, group.body(s)); len(lines) >= bufferSize {
					if err := write(); err != nil {
						return c, e.ended(err)
					}
				}
			}
		}
		if err := cmp.Or(write(), group.err); err != nil {
			return c, e.ended(err)
		}
	}
	return c, nil
}

// bufferSize is how many bytes are written at once.
const bufferSize = 64 << 10

// Counts are the numbers of an export.
type Counts struct {
	Payloads   int `json:"payloads"`
	Deliveries int `json:"deliveries"`
}

func (c *Counts) add(step deliver.Step) {
	c.Deliveries += step.Deliveries()
	if step.First == 1 {
		c.Payloads++
	}
}
