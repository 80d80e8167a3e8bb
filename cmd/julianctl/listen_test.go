package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/cmd/root"
	"github.com/julianctl/julianctl/pkg/terminal"
)

func TestListenPortTaken(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var out, errs bytes.Buffer
	a := &cli.App{In: strings.NewReader(""), Out: terminal.NewOutput(&out), Err: terminal.NewOutput(&errs), Now: time.Now, Env: func(string) string { return "" }}
	code := root.Run(t.Context(), a, []string{"listen", "--addr", ln.Addr().String()})
	if code != cli.ExitFailure || !strings.Contains(errs.String(), "is taken by another program\nhint: ") || out.Len() > 0 {
		t.Errorf("exit %d\n%s%s", code, errs.String(), out.String())
	}
}
