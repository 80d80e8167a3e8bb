package deliver

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGuard(t *testing.T) {
	allow := []string{"staging.example.com", "10.1.2.3", "FD00::1", "Example.ORG."}
	tests := []struct {
		url  string
		want string // URL as understood, then what is dialed; or a part of the refusal after "!"
	}{
		{"http://127.0.0.1:4040/hook", "http://127.0.0.1:4040/hook 127.0.0.1:4040"},
		{"http://127.0.0.1", "http://127.0.0.1/ 127.0.0.1:80"},
		{"https://127.9.8.7/a?b=c#d", "https://127.9.8.7/a?b=c 127.9.8.7:443"},
		{"http://[::1]:8080/", "http://[::1]:8080/ [::1]:8080"},
		{"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/ [::1]:80"},
		{"http://[::ffff:127.0.0.1]/", "http://127.0.0.1/ 127.0.0.1:80"},
		{"HTTP://LOCALHOST:99/", "http://localhost:99/ 127.0.0.1:99 [::1]:99"},
		{"http://localhost./", "http://localhost/ 127.0.0.1:80 [::1]:80"},
		{"http://App.localhost:1/", "http://app.localhost:1/ 127.0.0.1:1 [::1]:1"},
		{"http://127.0.0.1:/", "http://127.0.0.1/ 127.0.0.1:80"},
		{"http://127.0.0.1/a b/ü", "http://127.0.0.1/a%20b/%C3%BC 127.0.0.1:80"},
		{"http://127.0.0.1/a%2fb/%7e", "http://127.0.0.1/a%2fb/%7e 127.0.0.1:80"},

		{"https://staging.example.com/x", "https://staging.example.com/x staging.example.com:443"},
		{"https://STAGING.example.com./x", "https://staging.example.com/x staging.example.com:443"},
		{"https://example.org:8443/", "https://example.org:8443/ example.org:8443"},
		{"http://10.1.2.3/", "http://10.1.2.3/ 10.1.2.3:80"},
		{"http://[::ffff:10.1.2.3]/", "http://10.1.2.3/ 10.1.2.3:80"},
		{"http://[fd00:0::1]/", "http://[fd00::1]/ [fd00::1]:80"},

		{"ftp://127.0.0.1/", "!neither http nor https"},
		{"unix:///run/x", "!neither http nor https"},
		{"http:127.0.0.1", "!has no host"},
		{"http://evil.example/", "!not this machine"},
		{"http://sub.staging.example.com/", "!not this machine"},
		{"http://staging.example.com.evil.example/", "!not this machine"},
		{"http://10.1.2.4/", "!not this machine"},
		{"http://[fe80::1%25lo]/", "!not this machine"},
		{"http://[::1%25lo]/", "!not this machine"},
		{"http://[64:ff9b::127.0.0.1]/", "!not this machine"},
		{"http://[::127.0.0.1]/", "!not this machine"},
		{"http://localhost.example/", "!not this machine"},
		{"http://xlocalhost/", "!not this machine"},
		{"http://127.0.0.1.nip.io/", "!not this machine"},
		{"http://127.0.0.1@evil.example/", "!user name"},
		{"http://localhost:80@evil.example/", "!user name"},
		{"http://user:secret@127.0.0.1/", "!user name"},
		{"http://127.1/", "!unusual form"},
		{"http://127.0.0.1./", "!unusual form"},
		{"http://0x7f.1/", "!unusual form"},
		{"http://0x7f000001/", "!unusual form"},
		{"http://2130706433/", "!unusual form"},
		{"http://0177.0.0.1/", "!unusual form"},
		{"http://0.0.0.0:80/", "!not an address"},
		{"http://[::]/", "!not an address"},
		{"http://[::ffff:0.0.0.0]/", "!not an address"},
		{"http://locälhost/", "!not ASCII"},
		{"http://loc%C3%A4lhost/", "!not ASCII"},
		{"http://ⓛocalhost/", "!not ASCII"},
		{"http://127。0。0。1/", "!not ASCII"},
		{"http://localhost../", "!not a host name"},
		{"http://.localhost/", "!not a host name"},
		{"http:///x", "!not a host name"},
		{"http://a,b/", "!not a host name"},
		{"http://127.0.0.1:0/", "!port"},
		{"http://127.0.0.1:65536/", "!port"},

		{"https://julian.11x.ai/api/v1", "!provider"},
		{"https://JULIAN.11X.AI./", "!provider"},
		{"http://hooks.julian.11x.ai/", "!provider"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		target, err := Guard{Allow: append(allow, "julian.11x.ai", "hooks.julian.11x.ai")}.Target(u)
		if part, refused := strings.CutPrefix(tt.want, "!"); refused {
			if err == nil || !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, %v; want a refusal with %q", tt.url, target, err, part)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: password shown: %v", tt.url, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		got := target.String() + " " + strings.Join(target.dial, " ")
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.url, d)
		}
	}
}

func TestGuardRefusesToAllowNonsense(t *testing.T) {
	u := &url.URL{Scheme: "http", Host: "example.com"}
	for _, allow := range []string{"", "*", "exa mple.com", "0.0.0.0", "http://example.com"} {
		if _, err := (Guard{Allow: []string{allow}}).Target(u); !errors.Is(err, ErrTarget) || !strings.Contains(err.Error(), "cannot be allowed") {
			t.Errorf("--allow-host %q: %v", allow, err)
		}
	}
	if _, err := (Guard{Allow: []string{"example.com", "[fd00::1]"}}).Target(u); err != nil {
		t.Error(err)
	}
}

func TestNewWantsAGuardedTarget(t *testing.T) {
	if _, err := New(Target{}, Options{}); !errors.Is(err, ErrTarget) {
		t.Errorf("client for a target that passed no guard: %v", err)
	}
}
