package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
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

// fields is the header as the files have it: each name once.
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
		out = append(out, field{"User-Agent", []string{""}}) // or Go sends its own
	}
	return out
}

// targets writes deliveries as vegeta's JSON targets, one a line:
// https://github.com/tsenart/vegeta/blob/master/lib/target.schema.json.
type targets struct {
	head []byte // of every line, up to the payload's number
	line []byte // reused
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

// write writes one delivery with one call of w.
func (t *targets) write(w io.Writer, number, copy int, body []byte) error {
	line := append(t.line[:0], t.head...)
	line = strconv.AppendInt(line, int64(number), 10)
	line = append(line, `"],"`+HeaderCopy+`":["`...)
	line = strconv.AppendInt(line, int64(copy), 10)
	line = append(line, `"]},"body":"`...)
	line = base64.StdEncoding.AppendEncode(line, body)
	t.line = append(line, '"', '}', '\n')
	_, err := w.Write(t.line)
	return err
}

// jsonText is v as JSON, without characters that harm a terminal.
func jsonText(v any) []byte {
	b, _ := jsonscan.Append(nil, v) // of text, lists and maps of it: these always encode
	return safetext.JSON(b)
}

// Targets writes the deliveries of steps to w as vegeta's JSON targets, as they
// come: memory follows the largest payload. The first error of steps ends it.
func (e Export) Targets(w io.Writer, steps iter.Seq2[deliver.Step, error]) (Counts, error) {
	t := newTargets(e)
	var c Counts
	for step, err := range steps {
		if err != nil {
			return c, err
		}
		c.add(step)
		for n := step.First; n <= step.Last; n++ {
			if err := t.write(w, step.Number, n, step.Document.Body); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// Counts is how much there is.
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

// digest is the SHA-256 of a body in hexadecimal.
func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
