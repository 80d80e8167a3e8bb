package supervise

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// mailServer is a spy that takes e-mail over SMTP and delivers none.
// https://www.rfc-editor.org/rfc/rfc5321
type mailServer struct {
	spy      *Spy
	hook     Hook
	listener net.Listener

	mu      sync.Mutex
	conns   map[net.Conn]bool
	count   int
	serving sync.WaitGroup
}

// NewMailSpy starts a spy on a free port of this machine that takes e-mail. Each
// message is a step for hook. The caller closes it.
func NewMailSpy(name string, hook Hook) (*Spy, error) {
	listener, err := listenLoopback("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Spy{name: name}
	s.mail = &mailServer{spy: s, hook: hook, listener: listener, conns: map[net.Conn]bool{}}
	s.mail.serving.Go(s.mail.serve)
	return s, nil
}

func (m *mailServer) serve() {
	for {
		conn, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.mu.Lock()
		m.conns[conn] = true
		m.count++
		number := m.count
		m.mu.Unlock()
		m.serving.Go(func() {
			m.serveConn(conn, number)
			_ = conn.Close()
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.conns, conn)
		})
	}
}

func (m *mailServer) close() error {
	err := m.listener.Close()
	m.mu.Lock()
	for conn := range m.conns {
		_ = conn.Close()
	}
	m.mu.Unlock()
	m.serving.Wait()
	return err
}

// maxMailLine is the longest command, in bytes.
const maxMailLine = 4096

// serveConn serves one connection.
func (m *mailServer) serveConn(conn net.Conn, number int) {
	c := textproto.NewConn(&deadlined{Conn: conn})
	defer c.Close()
	say := func(line string) bool { return c.PrintfLine("%s", line) == nil }
	if !say("220 127.0.0.1 ESMTP takes mail and delivers none") {
		return
	}
	envelope := ""
	for {
		line, err := c.ReadLineBytes()
		if err != nil || len(line) > maxMailLine {
			return
		}
		word, rest, _ := strings.Cut(string(line), " ")
		var ok bool
		switch strings.ToUpper(word) {
		case "EHLO":
			ok = say("250-127.0.0.1") && say("250-8BITMIME") && say("250-SMTPUTF8") && say("250 AUTH PLAIN LOGIN")
		case "HELO", "NOOP", "RSET":
			envelope = ""
			ok = say("250 fine")
		case "AUTH":
			ok = authenticate(c, rest)
		case "MAIL", "RCPT":
			envelope += rest + "\n"
			ok = say("250 fine")
		case "DATA":
			ok = say("354 end with a line that is a dot alone") && m.message(c, number, envelope)
			envelope = ""
		case "QUIT":
			say("221 goodbye")
			return
		default:
			ok = say("502 not known here")
		}
		if !ok {
			return
		}
	}
}

// authenticate takes any name and password, which are read and forgotten.
func authenticate(c *textproto.Conn, rest string) bool {
	questions := 0
	switch method, initial, _ := strings.Cut(rest, " "); {
	case strings.EqualFold(method, "LOGIN"):
		questions = 2
		if initial != "" {
			questions = 1
		}
	case initial == "":
		questions = 1
	}
	for i := range questions {
		ask := base64.StdEncoding.EncodeToString([]byte([]string{"Username:", "Password:"}[2-questions+i]))
		if c.PrintfLine("334 %s", ask) != nil {
			return false
		}
		if _, err := c.ReadLineBytes(); err != nil {
			return false
		}
	}
	return c.PrintfLine("235 fine") == nil
}

// message takes one message, which is a step.
func (m *mailServer) message(c *textproto.Conn, number int, envelope string) bool {
	body, err := io.ReadAll(io.LimitReader(c.DotReader(), maxSpied+1))
	if err != nil || len(body) > maxSpied {
		return false
	}
	to, _, _ := strings.Cut(strings.TrimSpace(envelope[strings.Index(envelope, "\n")+1:]), "\n")
	step := &Step{
		Proxy: m.spy.name, Conn: number, Text: "mail", Raw: oneLine("mail " + to), Write: true, Ends: true,
		Began: time.Now(), Point: Point{Hash: hashOf(m.spy.name, "mail")},
	}
	if m.hook.Before(step) == Cut {
		return false
	}
	call := SpyCall{Method: http.MethodPost, Status: http.StatusOK, At: time.Now(), text: mailText(envelope, body)}
	answer := "250 taken"
	switch SpyMode(m.spy.mode.Load()) {
	case SpyFails:
		call.Status, answer = 0, "451 made to fail"
	case SpySilent:
		call.Status, answer = 0, ""
	}
	m.spy.note(call)
	if answer != "" {
		step.Answer, _, _ = strings.Cut(answer, " ")
		step.Ended = time.Now()
	}
	if m.hook.After(step) == Cut || answer == "" {
		return false
	}
	return c.PrintfLine("%s", answer) == nil
}

// mailText is a message with what its transfer encodings hide. It is only looked
// through for an id.
func mailText(envelope string, body []byte) []byte {
	text := append([]byte(envelope), body...)
	if plain, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body))); err == nil || len(plain) > 0 {
		text = append(append(text, '\n'), plain...)
	}
	var block []byte
	for line := range bytes.Lines(append(body, '\n')) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && len(bytes.Trim(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")) == 0 {
			block = append(block, line...)
			continue
		}
		if plain, err := base64.StdEncoding.DecodeString(string(block)); err == nil {
			text = append(append(text, '\n'), plain...)
		}
		block = nil
	}
	return text
}

// deadlined ends a connection that says nothing for long.
type deadlined struct{ net.Conn }

const mailTimeout = 5 * time.Minute // of RFC 5321, 4.5.3.2

func (d *deadlined) Read(p []byte) (int, error) {
	if err := d.SetReadDeadline(time.Now().Add(mailTimeout)); err != nil {
		return 0, fmt.Errorf("deadline: %w", err)
	}
	return d.Conn.Read(p)
}
