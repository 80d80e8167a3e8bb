package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// canary is a secret that must never be seen: not in output, errors or files,
// in whatever way it is handed over and however a server repeats it.
const canary = "canary-5f1d0c3e9a7b"

func TestSecretsNeverShow(t *testing.T) {
	l := newLab(t)
	sample := l.file("s.json", hostilePayload(t))
	// An endpoint and an API that repeat every header they got, and fail.
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/?key="+r.Header.Get("X-Api-Key"))
		w.WriteHeader(http.StatusTeapot)
		for name, values := range r.Header {
			_, _ = io.WriteString(w, name+": "+strings.Join(values, ",")+"\n")
		}
	}))
	defer echo.Close()
	l.env["JULIAN_API_KEY"], l.env["JULIAN_BASE_URL"] = canary, echo.URL
	saved := filepath.Join(l.dir, "saved")
	hooks := map[string]string{}
	for _, format := range []string{"pretty", "summary", "json"} {
		l2 := newLab(t)
		hooks[format] = l2.serve("listen", "--addr", "127.0.0.1:0", "--format", format, "--save", saved, "--forward-to", echo.URL)
		defer func() {
			if shown := l2.printed(); strings.Contains(shown, canary) {
				t.Errorf("listen --format %s shows the secret:\n%s", format, shown)
			}
		}()
	}
	runFile := filepath.Join(l.dir, "run")
	header := []string{"-H", "X-Api-Key: " + canary, "-H", "Authorization: Bearer " + canary, "-H", "Cookie: a=" + canary}
	for _, tt := range []struct {
		code int // of the command as it is meant: a mistake in the flags would show nothing either
		args []string
	}{
		{3, []string{"sample", "agent.x"}},
		{3, []string{"auth", "status"}},
		{3, []string{"auth", "status", "--format", "json"}},
		{0, []string{"config", "list", "--origin"}},
		{1, append([]string{"replay", sample, "--to", echo.URL}, header...)},
		{1, append([]string{"replay", sample, "--to", echo.URL, "--format", "json"}, header...)},
		{0, append([]string{"replay", sample, "--to", echo.URL, "--dry-run"}, header...)},
		{1, append([]string{"replay", sample, "--to", echo.URL, "--resume", runFile}, header...)},
		{2, append([]string{"replay", sample, "--to", echo.URL, "--resume", runFile, "--set", "agentName=x"}, header...)},
		{1, append([]string{"check", "--to", echo.URL}, header...)},
		{1, append([]string{"check", "--to", echo.URL, "--format", "json"}, header...)},
		{1, append([]string{"check", "--to", echo.URL, "--format", "junit"}, header...)},
		{1, append([]string{"check", "--to", echo.URL, "--report", "html=" + filepath.Join(l.dir, "check.html"), "--report", "json=" + filepath.Join(l.dir, "check.json")}, header...)},
		{3, append([]string{"check", "--to", hooks["summary"], "--only", "repeat,security", "--probe-url", echo.URL + "/{callId}", "--format", "json"}, header...)},
		{1, append([]string{"check", "--to", echo.URL, "--drill", "--down", "go version", "--up", "go version", "--drill-phase", "20ms", "--drill-patience", "100ms"}, header...)},
		{1, append([]string{"replay", sample, "--to", hooks["pretty"]}, header...)},
		{1, append([]string{"replay", sample, "--to", hooks["summary"]}, header...)},
		{1, append([]string{"replay", sample, "--to", hooks["json"], "--format", "json"}, header...)},
		{0, append([]string{"export", "vegeta", sample, "--to", echo.URL}, header...)},
		{0, append([]string{"export", "vegeta", sample, "--to", echo.URL, "-o", filepath.Join(l.dir, "vegeta")}, header...)},
		{0, append([]string{"export", "k6", sample, "--to", echo.URL, "-o", filepath.Join(l.dir, "k6"), "--format", "json"}, header...)},
		{0, []string{"export", "k6", sample, "--to", echo.URL, "-o", filepath.Join(l.dir, "k6-token"), "-H", "X-Hook-Token: " + canary}},
		{0, []string{"export", "k6", sample, "--to", echo.URL, "-o", filepath.Join(l.dir, "k6-twice"), "-H", "X-Token: " + canary, "-H", "X-Token: " + canary}},
		{2, []string{"replay", sample, "--to", echo.URL, "-H", "X-Api-Key " + canary}},
		{2, []string{"replay", sample, "--to", echo.URL, "-H", "X-Api-Key: " + canary + "\n"}},
	} {
		code, shown := l.run(t.Context(), strings.NewReader(""), tt.args...)
		if code != tt.code {
			t.Errorf("%q exits with %d, want %d:\n%s", tt.args, code, tt.code, shown)
		}
		if strings.Contains(shown, canary) {
			t.Errorf("%q shows the secret:\n%s", tt.args, shown)
		}
	}
	files := 0
	err := filepath.Walk(l.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), canary) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("looked into %d files (%v)", files, err)
	}
}
