package supervise

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
)

// httpProtocol frames HTTP/1: a request with its whole response is a step.
type httpProtocol struct {
	name string

	mu      sync.Mutex
	methods []string // of requests that are not answered yet
	body    httpBody // of the response under way
	inBody  bool
	status  string
}

// httpBody says how much of a body is still to come.
type httpBody struct {
	left    int // bytes; with chunked those of the chunk
	chunked bool
	toEnd   bool // until the connection ends
}

func (p *httpProtocol) request(f *frameReader) (unit, error) {
	start, header, err := readHead(f)
	if err != nil {
		return unit{}, err
	}
	method, rest, _ := strings.Cut(start, " ")
	target, version, ok := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(version, "HTTP/1.") {
		return unit{}, errUnframed
	}
	body, err := bodyOf(header)
	if err != nil {
		return unit{}, err
	}
	if header.get("expect") != "" { // the body comes after an answer
		return unit{passAll: true}, nil
	}
	for more := body.left > 0 || body.chunked; more; {
		if more, err = body.read(f); err != nil {
			return unit{}, err
		}
	}
	p.mu.Lock()
	p.methods = append(p.methods, method)
	p.mu.Unlock()
	path, _, _ := strings.Cut(target, "?")
	write := method != "GET" && method != "HEAD" && method != "OPTIONS"
	text := method + " " + blank(path)
	return unit{
		text: text, raw: oneLine(method + " " + target), hash: hashOf(p.name, text),
		write: write, ends: write, awaits: true,
		passAll: method == "CONNECT" || strings.Contains(strings.ToLower(header.get("connection")), "upgrade"),
	}, nil
}

func (p *httpProtocol) response(f *frameReader) (part, error) {
	if !p.inBody {
		start, header, err := readHead(f)
		if err != nil {
			return part{}, err
		}
		version, rest, _ := strings.Cut(start, " ")
		status, _, _ := strings.Cut(rest, " ")
		if !strings.HasPrefix(version, "HTTP/1.") || len(status) != 3 {
			return part{}, errUnframed
		}
		if status[0] == '1' {
			return part{wants: status == "100", passAll: status == "101"}, nil
		}
		p.mu.Lock()
		method := ""
		if len(p.methods) > 0 {
			method, p.methods = p.methods[0], p.methods[1:]
		}
		p.mu.Unlock()
		if p.body, err = bodyOf(header); err != nil {
			return part{}, err
		}
		p.status = status
		switch {
		case method == "HEAD", status == "204", status == "304":
			return part{last: true, answer: status}, nil
		case !p.body.chunked && header.get("content-length") == "":
			p.body.toEnd = true
		case !p.body.chunked && p.body.left == 0:
			return part{last: true, answer: status}, nil
		}
		p.inBody = true
		return part{}, nil
	}
	if p.body.toEnd {
		// Its end is that of the connection, so it cannot be held until then.
		p.inBody = false
		return part{passAll: true}, nil
	}
	more, err := p.body.read(f)
	if err != nil {
		return part{}, err
	}
	p.inBody = more
	return part{last: !more, answer: p.status}, nil
}

// read reads the next piece of a body, and reports whether there is more.
func (b *httpBody) read(f *frameReader) (more bool, err error) {
	if b.chunked && b.left == 0 {
		line, err := f.line()
		if err != nil {
			return false, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
		n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 31)
		if err != nil {
			return false, errUnframed
		}
		if n == 0 {
			return false, skipTrailer(f)
		}
		b.left = int(n) + 2 // with the line end after it
	}
	n := min(b.left, 32<<10)
	_, err = f.next(n)
	b.left -= n
	return b.left > 0 || b.chunked, err
}

func skipTrailer(f *frameReader) error {
	for {
		line, err := f.line()
		if err != nil || len(bytes.TrimRight(line, "\r\n")) == 0 {
			return err
		}
	}
}

// httpHeader has lower-cased names.
type httpHeader map[string]string

func (h httpHeader) get(name string) string { return h[name] }

// maxHead is how many lines of a head are read.
const maxHead = 1000

// readHead reads a start line and the header after it.
func readHead(f *frameReader) (start string, header httpHeader, err error) {
	header = httpHeader{}
	for i := range maxHead {
		line, err := f.line()
		if err != nil {
			return "", nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case i == 0:
			start = text
		case text == "":
			return start, header, nil
		default:
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				return "", nil, errUnframed
			}
			header[strings.ToLower(name)] = strings.TrimSpace(value)
		}
	}
	return "", nil, errUnframed
}

// bodyOf says how the body after a head is framed.
func bodyOf(h httpHeader) (httpBody, error) {
	if strings.Contains(strings.ToLower(h.get("transfer-encoding")), "chunked") {
		return httpBody{chunked: true}, nil
	}
	length := h.get("content-length")
	if length == "" {
		return httpBody{}, nil
	}
	n, err := strconv.ParseUint(length, 10, 40)
	if err != nil {
		return httpBody{}, errUnframed
	}
	return httpBody{left: int(n)}, nil
}
