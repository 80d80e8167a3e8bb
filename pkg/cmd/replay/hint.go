package replay

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/julianctl/julianctl/pkg/deliver"
)

// replayHints are the hints by class of failure.
var replayHints = map[deliver.Class]string{
	deliver.Unreachable: "is the endpoint running, and is --to right?",
	deliver.Unknown:     "the endpoint's own log knows whether it was processed; julianctl does not send it again",
	deliver.Timeout:     "an endpoint should acknowledge first and work later; --timeout waits longer",
	deliver.Malformed:   "is this an HTTP endpoint, and is http or https right?",
	deliver.TooLarge:    "a webhook's answer is a status; its body should be small",
}

// statusHints are the hints by status.
var statusHints = map[int]string{
	401: "does the endpoint want a secret? -H 'Authorization: …'",
	403: "does the endpoint want a secret? -H 'Authorization: …'",
	404: "is the path of --to right?",
	405: "does the endpoint take POST at this path?",
	413: "the endpoint limits the size of a payload",
	415: "the endpoint wants another type: -H 'Content-Type: …'",
	429: "the endpoint limits the rate: --rate N sends no faster",
}

const certificateHint = "--cacert FILE trusts the certificate's authority, --insecure any certificate"

func replayHint(r deliver.Result) string {
	class := deliver.ClassOf(r.Err)
	var e *deliver.Error
	switch {
	case isCertificate(r.Err):
		return certificateHint
	case class == deliver.Redirect && errors.As(r.Err, &e) && e.Location != "":
		return "redirects are never followed; --to takes the final URL"
	case class == deliver.Status && r.Answer.Status >= 500:
		return "the endpoint's own log says why"
	case class == deliver.Status:
		return statusHints[r.Answer.Status]
	}
	return replayHints[class]
}

// unreachableHint says what to type where nothing listens at a URL.
func unreachableHint(target string) string {
	hint := "start the endpoint, or say with --to where it is"
	if u, err := url.Parse(target); err == nil && u.Port() != "" && net.ParseIP(u.Hostname()).IsLoopback() && u.Scheme == "http" {
		hint += fmt.Sprintf("; \"julianctl listen --addr %s\" stands in for it", u.Host)
	}
	return hint
}

// isCertificate reports whether err is about a certificate that is not trusted.
func isCertificate(err error) bool {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &name)
}
