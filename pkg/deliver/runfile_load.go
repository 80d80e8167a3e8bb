package deliver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The state of a delivery is one byte: how often it was possibly sent, and whether
// it was answered.
const (
	pastAnswered = 0x80
	pastSends    = 0x7f
)

// load reads the file and returns the size of its complete lines.
func (f *RunFile) load(r io.Reader) (size int64, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF):
			// An incomplete first line is accepted if it is the start of a run file.
			if n == 0 && !bytes.HasPrefix([]byte(`{"schema":"`+runSchema+`",`), line[:min(len(line), 11)]) {
				return 0, f.refuse("is not a run file", hintOtherFile)
			}
			return size, nil
		case errors.Is(err, bufio.ErrBufferFull):
			return 0, f.refuse("is not a run file", hintOtherFile)
		case err != nil:
			return 0, err
		}
		size += int64(len(line))
		line = line[:len(line)-1]
		switch {
		case n == 0:
			if err := f.checkStart(line); err != nil {
				return 0, err
			}
		case !f.addLine(line, n):
			return 0, f.refuse(fmt.Sprintf("is damaged at line %d", n+1), hintOtherFile)
		}
	}
}

// checkStart compares the first line with what is to be sent.
func (f *RunFile) checkStart(line []byte) error {
	var had runInfo
	if json.Unmarshal(line, &had) != nil || !strings.HasPrefix(had.Schema, "julianctl.run/") {
		return f.refuse("is not a run file", hintOtherFile)
	}
	if had.Schema != runSchema {
		return f.refuse(fmt.Sprintf("is of another version, %q", had.Schema), hintOtherFile)
	}
	for i := range max(len(had.Settings), len(f.info.Settings)) {
		var before, now Setting
		if i < len(had.Settings) {
			before = had.Settings[i]
		}
		if i < len(f.info.Settings) {
			now = f.info.Settings[i]
		}
		if before == now {
			continue
		}
		if before.Name != now.Name {
			return f.refuse("is of another kind of run", hintOtherFile)
		}
		return f.refuse(fmt.Sprintf("was started with %s %s, not %s", now.Name, quoteValue(before.Value), quoteValue(now.Value)), hintOtherFile)
	}
	if had.Copies != f.info.Copies {
		return f.refuse(fmt.Sprintf("was started with %d copies of each payload, not %d", had.Copies, f.info.Copies), hintOtherFile)
	}
	f.Seed = had.Seed
	return nil
}

func quoteValue(value string) string {
	if value == "" {
		return "nothing"
	}
	return strconv.Quote(value)
}

// maxAhead limits how far a document's number may exceed the number of lines: a
// shuffled run does not start with the first document.
const maxAhead = 1 << 20

// addLine reads the line of a delivery. It returns false if the line is not valid.
func (f *RunFile) addLine(line []byte, n int) bool {
	kind, rest, _ := bytes.Cut(line, []byte(" "))
	name, detail, _ := bytes.Cut(rest, []byte(" "))
	numberText, copyText, _ := bytes.Cut(name, []byte("."))
	number, err := strconv.Atoi(string(numberText))
	which, err2 := strconv.Atoi(string(copyText))
	if err != nil || err2 != nil || number < 1 || number > n+maxAhead || which < 1 || which > f.info.Copies || len(kind) != 1 {
		return false
	}
	for number > len(f.hash) {
		f.hash = append(f.hash, 0)
		f.past = append(f.past, make([]byte, f.info.Copies)...)
	}
	past := &f.past[(number-1)*f.info.Copies+which-1]
	sends := *past & pastSends
	switch kind[0] {
	case '>':
		hash, err := strconv.ParseUint(string(detail), 16, 32)
		if err != nil || *past >= pastAnswered {
			return false
		}
		f.hash[number-1] = uint32(hash)
		count(&f.Past.Open, sends == 0)
		*past = min(sends+1, pastSends)
		return true
	case '-':
		if sends == 0 {
			return false
		}
		*past = sends - 1
		if sends == 1 {
			f.Past.Open--
		}
		return true
	case '?':
		return sends > 0
	case '<':
		text, class, _ := bytes.Cut(detail, []byte(" "))
		status, err := strconv.Atoi(string(text))
		if err != nil || sends == 0 || *past >= pastAnswered {
			return false
		}
		*past |= pastAnswered
		f.Past.Open--
		f.Past.answered(status, Class(class))
		return true
	}
	return false
}

func (p *Past) answered(status int, broken Class) {
	p.Answered++
	if broken != "" {
		p.Broken = counted(p.Broken, broken)
		return
	}
	p.Statuses = counted(p.Statuses, status)
}

func counted[K comparable](counts map[K]int, key K) map[K]int {
	if counts == nil {
		counts = map[K]int{}
	}
	counts[key]++
	return counts
}
