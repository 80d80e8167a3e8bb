package validate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/payload"
	"github.com/julianctl/julianctl/pkg/validate"
)

type formatCase struct {
	format julian.Format
	in     string
	ok     bool
}

// Those of date-time, uri and email are for the greater part the cases of the
// JSON Schema test suite.
var formatCases = []formatCase{
	{julian.DateTime, "1963-06-19T08:30:06.283185Z", true},
	{julian.DateTime, "1963-06-19T08:30:06Z", true},
	{julian.DateTime, "1937-01-01T12:00:27.87+00:20", true},
	{julian.DateTime, "1990-12-31T15:59:50.123-08:00", true},
	{julian.DateTime, "1998-12-31T23:59:60Z", true},
	{julian.DateTime, "1998-12-31T15:59:60.123-08:00", true},
	{julian.DateTime, "1963-06-19t08:30:06.283185z", true},
	{julian.DateTime, "2024-02-29T00:00:00Z", true},
	{julian.DateTime, "2000-02-29T00:00:00Z", true},
	{julian.DateTime, "0000-01-01T00:00:00Z", true},
	{julian.DateTime, "1998-12-31T23:59:61Z", false},
	{julian.DateTime, "1998-12-31T23:58:60Z", false},
	{julian.DateTime, "1998-12-31T22:59:60Z", false},
	{julian.DateTime, "2023-02-29T00:00:00Z", false},
	{julian.DateTime, "1900-02-29T00:00:00Z", false},
	{julian.DateTime, "1990-02-31T15:59:59.123-08:00", false},
	{julian.DateTime, "2025-04-31T00:00:00Z", false},
	{julian.DateTime, "2025-00-01T00:00:00Z", false},
	{julian.DateTime, "2025-13-01T00:00:00Z", false},
	{julian.DateTime, "2025-01-00T00:00:00Z", false},
	{julian.DateTime, "2025-01-01T24:00:00Z", false},
	{julian.DateTime, "2025-01-01T23:60:00Z", false},
	{julian.DateTime, "1990-12-31T15:59:59-24:00", false},
	{julian.DateTime, "1990-12-31T15:59:59-08:60", false},
	{julian.DateTime, "1963-06-19T08:30:06.28123+01:00Z", false},
	{julian.DateTime, "06/19/1963 08:30:06 PST", false},
	{julian.DateTime, "2013-350T01:01:01", false},
	{julian.DateTime, "1963-6-19T08:30:06.283185Z", false},
	{julian.DateTime, "1963-06-1T08:30:06.283185Z", false},
	{julian.DateTime, "1963-06-1৪T00:00:00Z", false},
	{julian.DateTime, "1963-06-11T0৪:00:00Z", false},
	{julian.DateTime, "2025-01-01T00:00:00.Z", false},
	{julian.DateTime, "2025-01-01T00:00:00", false},
	{julian.DateTime, "2025-01-01 00:00:00Z", false},
	{julian.DateTime, "2025-01-01T00:00:00+0100", false},
	{julian.DateTime, "2025-01-01T00:00:00+01", false},
	{julian.DateTime, "2025-01-01", false},
	{julian.DateTime, "", false},

	{julian.E164, "+12", true},
	{julian.E164, "+123456789012345", true},
	{julian.E164, "+1234567890123456", false},
	{julian.E164, "+1", false},
	{julian.E164, "+", false},
	{julian.E164, "+0123", false},
	{julian.E164, "15551234567", false},
	{julian.E164, "+1 555 123 4567", false},
	{julian.E164, "+1555123456x", false},
	{julian.E164, "+1555123456\n", false},
	{julian.E164, "+155512345٣", false},

	{julian.Zone, "America/Argentina/Buenos_Aires", true},
	{julian.Zone, "UTC", true},
	{julian.Zone, "Asia/Calcutta", true},
	{julian.Zone, "Etc/GMT+12", true},
	{julian.Zone, "EST5EDT", true},
	{julian.Zone, "", false},
	{julian.Zone, "Local", false},
	{julian.Zone, "utc", false},
	{julian.Zone, "Europe/Atlantis", false},
	{julian.Zone, "Europe", false},
	{julian.Zone, "Europe/", false},
	{julian.Zone, "+01:00", false},
	{julian.Zone, "../Europe/London", false},
	{julian.Zone, "/etc/localtime", false},
	{julian.Zone, "Europe/London\n", false},

	{julian.URI, "http://foo.bar/?baz=qux#quux", true},
	{julian.URI, "http://foo.com/blah_(wikipedia)_blah#cite-1", true},
	{julian.URI, "http://foo.bar/?q=Test%20URL-encoded%20stuff", true},
	{julian.URI, "http://xn--nw2a.xn--j6w193g/", true},
	{julian.URI, "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com", true},
	{julian.URI, "http://223.255.255.254:8080", true},
	{julian.URI, "http://[2001:db8::7]/c=GB?objectClass?one", true},
	{julian.URI, "http://[v1.fe80::a+en1]:80/", true},
	{julian.URI, "ftp://ftp.is.co.za/rfc/rfc1808.txt", true},
	{julian.URI, "mailto:John.Doe@example.com", true},
	{julian.URI, "news:comp.infosystems.www.servers.unix", true},
	{julian.URI, "tel:+1-816-555-1212", true},
	{julian.URI, "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", true},
	{julian.URI, "file:///etc/hosts", true},
	{julian.URI, "x:", true},
	{julian.URI, "x:/a//b", true},
	{julian.URI, "https://julian.11x.ai/.../calls/call.abc123", true},
	{julian.URI, "", true}, // callUrl may be empty
	{julian.URI, "//foo.bar/?baz=qux#quux", false},
	{julian.URI, "/abc", false},
	{julian.URI, `\\WINDOWS\fileshare`, false},
	{julian.URI, "abc", false},
	{julian.URI, "http:// shouldfail.com", false},
	{julian.URI, ":// should fail", false},
	{julian.URI, "bar,baz:foo", false},
	{julian.URI, "1http://a", false},
	{julian.URI, "https://[@example.org/test.txt", false},
	{julian.URI, "https://example.org/foobar\u00ae.txt", false},
	{julian.URI, `https://example.org/foobar\.txt`, false},
	{julian.URI, `https://example.org/foobar".txt`, false},
	{julian.URI, "https://example.org/foobar<>.txt", false},
	{julian.URI, "https://example.org/foobar{}.txt", false},
	{julian.URI, "https://example.org/foobar^.txt", false},
	{julian.URI, "https://example.org/foobar`.txt", false},
	{julian.URI, "https://example.org/foo bar.txt", false},
	{julian.URI, "https://example.org/foobar|.txt", false},
	{julian.URI, "https://example.org/%4g", false},
	{julian.URI, "https://example.org/%4", false},
	{julian.URI, "https://example.org:8x/", false},
	{julian.URI, "https://a:1:2/", false},
	{julian.URI, "https://[::1]x/", false},
	{julian.URI, "https://[fe80::1%25eth0]/", false},
	{julian.URI, "https://[127.0.0.1]/", false},
	{julian.URI, "https://example.org/#a#b", false},
	{julian.URI, "https://example.org/\x1b]8;;x", false},

	{julian.Email, "joe.bloggs@example.com", true},
	{julian.Email, "te~st@example.com", true},
	{julian.Email, "~test@example.com", true},
	{julian.Email, "test~@example.com", true},
	{julian.Email, `"joe bloggs"@example.com`, true},
	{julian.Email, `"joe..bloggs"@example.com`, true},
	{julian.Email, `"joe@bloggs"@example.com`, true},
	{julian.Email, "joe.bloggs@[127.0.0.1]", true},
	{julian.Email, "joe.bloggs@[IPv6:::1]", true},
	{julian.Email, "te.s.t@example.com", true},
	{julian.Email, strings.Repeat("a", 64) + "@example.com", true},
	{julian.Email, strings.Repeat("a", 65) + "@example.com", false},
	{julian.Email, "a@" + strings.Repeat(strings.Repeat("b", 49)+".", 6) + "com", false},
	{julian.Email, "a@" + strings.Repeat(strings.Repeat("b", 49)+".", 5) + "co", true},
	{julian.Email, "a@" + strings.Repeat(strings.Repeat("b", 49)+".", 5) + "com", false},
	{julian.Email, "2962", false},
	{julian.Email, ".test@example.com", false},
	{julian.Email, "test.@example.com", false},
	{julian.Email, "te..st@example.com", false},
	{julian.Email, "joe.bloggs@invalid=domain.com", false},
	{julian.Email, "joe.bloggs@[127.0.0.300]", false},
	{julian.Email, "joe.bloggs@[IPv6:::1%eth0]", false},
	{julian.Email, "joe.bloggs@[::1]", false},
	{julian.Email, "joe@-a.com", false},
	{julian.Email, "joe@a-.com", false},
	{julian.Email, "joe@", false},
	{julian.Email, "@example.com", false},
	{julian.Email, "\"a\nb\"@example.com", false},
	{julian.Email, "jöe@example.com", false},
}

func TestFormats(t *testing.T) {
	v := newValidator(t, validate.Options{})
	tested := map[julian.Format]bool{}
	for _, tt := range formatCases {
		tested[tt.format] = true
		quoted, err := json.Marshal(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		issues := v.Issues(payload.Document{Body: fmtBody(tt.format, quoted)})
		if ok := len(issues) == 0; ok != tt.ok || !ok && (len(issues) > 1 || issues[0].Rule != validate.RuleFormat) {
			t.Errorf("%s %q: ok is %t, want %t: %+v", tt.format, tt.in, ok, tt.ok, issues)
		}
	}
	for _, f := range julian.Fields {
		if f.Format != "" && !tested[f.Format] {
			t.Errorf("%s: format %q is not tested", f.Pointer, f.Format)
		}
	}
}
