package inspect_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/julianctl/julianctl/pkg/inspect"
)

// client follows no redirect, as a test wants to see it.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ask sends one request; header are names and values.
func ask(t *testing.T, method, address, body string, header ...string) (status int, got string, answer http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data), res.Header
}

// tokenOf is the token of the run, as the page holds it.
func tokenOf(t *testing.T, link string) string {
	t.Helper()
	_, page, _ := ask(t, "GET", link, "")
	var data struct{ Token string }
	text := regexp.MustCompile(`(?s)id="data">(.*?)</script>`).FindStringSubmatch(page)
	if text == nil || json.Unmarshal([]byte(text[1]), &data) != nil || data.Token == "" {
		t.Fatalf("there is no token in %q", page)
	}
	return data.Token
}

func TestWhoIsAnswered(t *testing.T) {
	l := openLog(t)
	fill(t, l, 3, time.Now(), time.Second)
	link := serve(t, inspect.Options{Log: l, Delete: true})
	token := tokenOf(t, link)
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	port := u.Port()
	for name, tt := range map[string]struct {
		method, path string
		header       []string
		want         int
	}{
		"page":                          {"GET", "/", nil, 200},
		"page by the name localhost":    {"GET", "/", []string{"Host", "LOCALHOST:" + port}, 200},
		"page by IPv6":                  {"GET", "/", []string{"Host", "[::1]:" + port}, 200},
		"page from a link elsewhere":    {"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"list":                          {"GET", "/api/list", nil, 200},
		"list from the page":            {"GET", "/api/list", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		"rebound name":                  {"GET", "/api/list", []string{"Host", "evil.example:" + port}, 403},
		"name that begins like ours":    {"GET", "/api/list", []string{"Host", "localhost.evil.example:" + port}, 403},
		"address of another machine":    {"GET", "/api/list", []string{"Host", "192.168.1.7:" + port}, 403},
		"all addresses":                 {"GET", "/api/list", []string{"Host", "0.0.0.0:" + port}, 403},
		"other port":                    {"GET", "/api/list", []string{"Host", "127.0.0.1:1"}, 403},
		"no port":                       {"GET", "/api/list", []string{"Host", "127.0.0.1"}, 403},
		"strange host":                  {"GET", "/", []string{"Host", "127.0.0.1:" + port + ":x"}, 403},
		"script of another site":        {"GET", "/api/list", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"body into another site":        {"GET", "/api/body/1", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		"another server of the machine": {"GET", "/api/list", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403},
		"page in a frame":               {"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"through a tunnel":              {"GET", "/", []string{"X-Forwarded-For", "203.0.113.9"}, 403},
		"through a proxy":               {"GET", "/api/list", []string{"Forwarded", "for=203.0.113.9"}, 403},
		"change":                        {"POST", "/api/delete", []string{"X-Julianctl-Token", token}, 400},
		"change without a token":        {"POST", "/api/delete", nil, 403},
		"change with another token":     {"POST", "/api/delete", []string{"X-Julianctl-Token", "A" + token[1:] + "A"}, 403},
		"change from another origin":    {"POST", "/api/delete", []string{"X-Julianctl-Token", token, "Origin", "http://evil.example"}, 403},
		"change from another port":      {"POST", "/api/delete", []string{"X-Julianctl-Token", token, "Origin", "http://127.0.0.1:1"}, 403},
		"change by another site":        {"POST", "/api/delete", []string{"X-Julianctl-Token", token, "Sec-Fetch-Site", "cross-site"}, 403},
		"change by GET":                 {"GET", "/api/delete", []string{"X-Julianctl-Token", token}, 405},
		"other method":                  {"DELETE", "/api/list", nil, 403},
		"no such file":                  {"GET", "/assets/%2e%2e/inspect.go", nil, 404},
		"no such asset":                 {"GET", "/assets/none.js", nil, 404},
		"template":                      {"GET", "/assets/index.html", nil, 404},
		"no such delivery":              {"GET", "/api/delivery/99", nil, 404},
		"strange delivery":              {"GET", "/api/delivery/one", nil, 400},
		"strange filter":                {"GET", "/api/list?only=all", nil, 400},
		"strange time":                  {"GET", "/api/list?since=-1", nil, 400},
		"strange rows":                  {"GET", "/api/rows?ids=1,x", nil, 400},
		"too many rows":                 {"GET", "/api/rows?ids=1" + strings.Repeat(",1", 300), nil, 400},
		"nothing to curl":               {"GET", "/api/curl/1", nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, header := ask(t, tt.method, strings.TrimSuffix(link, "/")+tt.path, "{}", tt.header...)
			if status != tt.want {
				t.Errorf("%d, want %d: %s", status, tt.want, body)
			}
			if status == 403 && strings.Contains(body, "call.") {
				t.Errorf("it says %s", body)
			}
			if header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("other origins may read it")
			}
		})
	}
}

// Whatever is answered, a browser is told what may be done with it.
func TestPolicy(t *testing.T) {
	l := openLog(t)
	fill(t, l, 1, time.Now(), time.Second)
	link := serve(t, inspect.Options{Log: l})
	for _, path := range []string{"", "assets/main.js", "assets/page.js", "assets/inspect.css", "api/list", "api/body/1", "api/delivery/1", "none", "api/send"} {
		_, body, header := ask(t, "GET", link+path, "")
		csp := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%q: %s is not in %q", path, want, csp)
			}
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%q: %s is %q", path, name, got)
			}
		}
		if regexp.MustCompile(`(?i)<script>|\son\w+=|\sstyle=|javascript:|unsafe-`).MatchString(body+csp) && !strings.HasPrefix(path, "assets/") {
			t.Errorf("%q has script or style in it: %s", path, body)
		}
	}
	_, _, header := ask(t, "GET", link+"api/body/1", "")
	if got := header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="delivery-1-call.`) || header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("a body is given out as %q, %q", got, header.Get("Content-Type"))
	}
}

func TestKey(t *testing.T) {
	l := openLog(t)
	link := serve(t, inspect.Options{Log: l, Key: "the-key"})
	base, _, _ := strings.Cut(link, "?")
	for name, tt := range map[string]struct {
		address string
		header  []string
		want    int
	}{
		"without":         {base, nil, 401},
		"list":            {base + "api/list", nil, 401},
		"wrong":           {base + "?key=another", nil, 401},
		"link":            {link, nil, 303},
		"cookie":          {base + "api/list", []string{"Cookie", "julianctl-key=the-key"}, 200},
		"wrong cookie":    {base + "api/list", []string{"Cookie", "julianctl-key=the-ke"}, 401},
		"another address": {base, []string{"Host", "192.168.1.7:" + base[strings.LastIndex(base, ":")+1:len(base)-1], "Cookie", "julianctl-key=the-key"}, 200},
		"rebound name":    {base, []string{"Host", "evil.example:" + base[strings.LastIndex(base, ":")+1:len(base)-1], "Cookie", "julianctl-key=the-key"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, header := ask(t, "GET", tt.address, "", tt.header...)
			if status != tt.want {
				t.Errorf("%d, want %d: %s", status, tt.want, body)
			}
			if cookie := header.Get("Set-Cookie"); (cookie != "") != (tt.want == 303) || cookie != "" && (!strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict")) {
				t.Errorf("the cookie is %q", cookie)
			}
		})
	}
}
