package julian

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Errors of a [Client], for errors.Is. Those of the second group are wrapped in an
// [*Error].
var (
	ErrNoKey           = errors.New("no API key")
	ErrBadKey          = errors.New("this cannot be an API key")
	ErrBadBaseURL      = errors.New("unusable base URL")
	ErrInsecureBaseURL = errors.New("insecure base URL")
	ErrBadAgentID      = errors.New("this cannot be an agent id")

	ErrUnauthorized     = errors.New("API key rejected")                      // 401
	ErrNotFound         = errors.New("not found")                             // 404
	ErrRateLimited      = errors.New("too many requests")                     // 429
	ErrServer           = errors.New("server error")                          // 5xx
	ErrRedirect         = errors.New("redirect refused")                      // 3xx
	ErrStatus           = errors.New("unexpected status")                     // any other that is not 200
	ErrNotJSON          = errors.New("answer is not JSON")                    // 200, but a login page, say
	ErrUnexpectedAnswer = errors.New("answer is not of the documented shape") // 200 and JSON
	ErrTooLarge         = errors.New("answer is too large")                   // 200, past ClientOptions.MaxBytes
	ErrUnreachable      = errors.New("the API could not be reached")          // no answer, or only a part of one
)

// Error is returned for a failed API call. Use errors.Is to find its kind, or the cause of
// an [ErrUnreachable].
//
// Code, Message, Location and ContentType are the server's text as it came,
// shortened and without the API key. They are not safe to print on a terminal;
// the result of Error is.
type Error struct {
	Status      int           // HTTP status; 0 when there was no answer
	Code        string        // such as INVALID_API_KEY; empty when the server gave none
	Message     string        // the server's words, or why it could not be reached
	Location    string        // of a redirect, without its query
	ContentType string        // of an answer that is not JSON
	RetryAfter  time.Duration // what the server asked for; 0 when it did not

	kind  error // one of the sentinels above
	cause error // beneath ErrUnreachable; else nil
}

// Error is one line. Whatever is in it that cannot be printed is escaped, and
// long text is cut.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.kind.Error())
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, ": %s", strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	for _, part := range []struct{ before, text string }{
		{" to ", e.Location}, {" but ", e.ContentType}, {": ", e.Code}, {": ", e.Message},
	} {
		if part.text != "" {
			b.WriteString(part.before + printable(shorten(part.text, 200)))
		}
	}
	return b.String()
}

// printable escapes what would act on a terminal or break the line.
func printable(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Unwrap returns the kind of e and, beneath [ErrUnreachable], its cause.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

const (
	maxErrorBody = 64 << 10 // an error that says more says nothing
	maxText      = 1 << 10
)

// refusal reads an answer with a status other than 200.
func (c *Client) refusal(resp *http.Response) *Error {
	e := &Error{Status: resp.StatusCode, kind: kindOf(resp.StatusCode), RetryAfter: retryAfter(resp.Header, time.Now())}
	if resp.StatusCode/100 == 3 {
		e.Location = c.location(resp)
		return e
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody+1))
	if err != nil || len(body) > maxErrorBody {
		return e
	}
	var said struct{ Error, Message string }
	if json.Unmarshal(body, &said) != nil {
		said.Message = string(body)
	}
	e.Code, e.Message = c.text(said.Error), c.text(said.Message)
	return e
}

func kindOf(status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status >= 500:
		return ErrServer
	case status >= 300 && status < 400:
		return ErrRedirect
	default:
		return ErrStatus
	}
}

// location leaves out the query, the fragment and the password, which may hold
// tokens, and undoes escapes, so that no key hides in them.
func (c *Client) location(resp *http.Response) string {
	u, err := resp.Location()
	if err != nil {
		return ""
	}
	return c.text(u.Scheme + "://" + u.Host + u.Path)
}

func (c *Client) unreachable(err error) *Error {
	said := err
	if request, ok := errors.AsType[*url.Error](err); ok {
		said = request.Err
	}
	return &Error{Message: c.text(c.base + ": " + said.Error()), kind: ErrUnreachable, cause: err}
}

// text takes the key out before it shortens: a cut through a key would leave a
// part of it.
func (c *Client) text(s string) string { return shorten(strings.TrimSpace(c.hide(s)), maxText) }

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
