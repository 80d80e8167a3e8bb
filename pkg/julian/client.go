package julian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DefaultBaseURL is where the provider's API is.
const DefaultBaseURL = "https://julian.11x.ai/api/v1"

// Defaults of [ClientOptions].
const (
	DefaultTimeout  = 30 * time.Second
	DefaultRetries  = 3
	DefaultMaxBytes = 32 << 20
)

// ClientOptions adjusts a [Client]. The zero value is right for the provider's
// API.
type ClientOptions struct {
	// BaseURL is the API's address, without a query; [DefaultBaseURL] when
	// empty. It must be https unless its host is a loopback address or
	// localhost.
	BaseURL string
	// Transport carries the requests. Nil: one of the client's own, which
	// honours the proxies of the environment as net/http does.
	Transport http.RoundTripper
	// Timeout bounds one attempt, from dialling to the last byte of the
	// answer; [DefaultTimeout] when zero. The context bounds all attempts of a
	// call together.
	Timeout time.Duration
	// Retries is how often a failed attempt is repeated; [DefaultRetries] when
	// zero, none when negative.
	Retries int
	// MaxBytes bounds an answer, after inflation; [DefaultMaxBytes] when zero.
	MaxBytes int64
	// UserAgent is sent as the header of that name; "julianctl" when empty.
	UserAgent string
	// OnRetry, if not nil, is called with the error of a failed attempt and the wait
	// before the next one.
	OnRetry func(err error, wait time.Duration)
}

// Client calls the provider's API. It is safe for concurrent use; all its
// calls together keep within the provider's 10 requests a second.
//
// The API key goes to the origin of the base URL and nowhere else: redirects
// are refused, and no error or formatted form of the client shows it.
type Client struct {
	base     string
	http     *http.Client
	retries  int
	maxBytes int64
	agent    string
	onRetry  func(error, time.Duration)
	limit    limiter

	// The key lives in these closures only, where neither fmt nor reflection
	// can find it.
	authorize func(*http.Request)
	hide      func(string) string
}

// NewClient returns a client that authenticates with key. The error is
// [ErrNoKey], [ErrBadKey], [ErrBadBaseURL] or [ErrInsecureBaseURL], and never
// shows the key.
func NewClient(key string, opts ClientOptions) (*Client, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	base, err := checkBaseURL(orDefault(opts.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	transport := opts.Transport
	if transport == nil {
		transport = newTransport()
	}
	// A server may repeat the key in what it says, as it is or as part of a URL.
	mask := strings.NewReplacer(key, "[API key]", url.QueryEscape(key), "[API key]", url.PathEscape(key), "[API key]")
	return &Client{
		base: base,
		http: &http.Client{
			Transport:     transport,
			Timeout:       orDefault(opts.Timeout, DefaultTimeout),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		retries:   orDefault(opts.Retries, DefaultRetries),
		maxBytes:  orDefault(opts.MaxBytes, DefaultMaxBytes),
		agent:     orDefault(opts.UserAgent, "julianctl"),
		onRetry:   opts.OnRetry,
		authorize: func(r *http.Request) { r.Header.Set("X-Api-Key", key) },
		hide:      mask.Replace,
	}, nil
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  15 * time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// proxy follows the environment as net/http does, but for plain http: that is
// for loopback hosts, however their name is written.
func proxy(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme == "http" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// CheckKey reports why key cannot be an API key: [ErrNoKey] when it is empty,
// [ErrBadKey] when it could not travel in a header. The error never shows it.
func CheckKey(key string) error {
	const longest = 4096
	switch {
	case key == "":
		return ErrNoKey
	case len(key) > longest:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrBadKey, longest)
	}
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c > '~' {
			return fmt.Errorf("%w: byte %d of %d is %s", ErrBadKey, i+1, len(key), byteKind(c))
		}
	}
	return nil
}

func byteKind(c byte) string {
	switch {
	case c == '\n' || c == '\r':
		return "a line break"
	case c == ' ' || c == '\t':
		return "white space"
	case c >= utf8.RuneSelf:
		return "not ASCII"
	default:
		return "a control character"
	}
}

// CheckBaseURL reports why raw cannot be the address of an API:
// [ErrBadBaseURL], or [ErrInsecureBaseURL] when the key would travel
// unencrypted. The error never shows a password.
func CheckBaseURL(raw string) error {
	_, err := checkBaseURL(raw)
	return err
}

// checkBaseURL returns raw without a slash at its end.
func checkBaseURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The reason without the URL: it may hold a password.
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err
		}
		return "", fmt.Errorf("%w: %w", ErrBadBaseURL, err)
	}
	bad := func(kind error, why string) (string, error) {
		if u.Host == "" && strings.Contains(raw, "@") { // what is before it may be a password
			return "", fmt.Errorf("%w: it %s", kind, why)
		}
		return "", fmt.Errorf("%w: %q %s", kind, u.Redacted(), why)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return bad(ErrBadBaseURL, "does not begin with https://")
	case u.Hostname() == "":
		return bad(ErrBadBaseURL, "names no host")
	case u.User != nil:
		return bad(ErrBadBaseURL, "holds a user name or a password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return bad(ErrBadBaseURL, "holds a query or a fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return bad(ErrInsecureBaseURL, "would send the API key unencrypted; only a loopback host may be http")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// CloseIdleConnections closes the connections that no call is using. The
// client stays usable.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// BaseURL returns the address that the client calls, without a slash at its
// end.
func (c *Client) BaseURL() string { return c.base }

// CallEventSample fetches the sample payload of an agent:
// GET /agent/{agentID}/call_event_sample. It returns the bytes of the answer
// as they came, which are JSON but not checked any further.
func (c *Client) CallEventSample(ctx context.Context, agentID string) ([]byte, error) {
	return c.agentResource(ctx, "sample", "/agent/", agentID, "/call_event_sample")
}

// Outcomes fetches the outcomes of an agent: GET /agents/{agentID}/outcomes.
// The provider does not document the shape of the answer: it is returned as it
// came, which is JSON.
func (c *Client) Outcomes(ctx context.Context, agentID string) ([]byte, error) {
	return c.agentResource(ctx, "outcomes", "/agents/", agentID, "/outcomes")
}

func (c *Client) agentResource(ctx context.Context, what, before, agentID, after string) ([]byte, error) {
	if err := checkAgentID(agentID); err != nil {
		return nil, err
	}
	body, err := c.get(ctx, before+url.PathEscape(agentID)+after)
	if err != nil {
		return nil, fmt.Errorf("%s of agent %q: %w", what, agentID, err)
	}
	return body, nil
}

// checkAgentID refuses what cannot name an agent: also an id that would lead
// to another resource if a proxy undid its escapes.
func checkAgentID(id string) error {
	const longest = 256
	switch {
	case id == "":
		return fmt.Errorf("%w: it is empty", ErrBadAgentID)
	case len(id) > longest:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrBadAgentID, longest)
	case !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("%w: %q holds a control character or is not UTF-8", ErrBadAgentID, id)
	}
	if walked := "/" + strings.ReplaceAll(id, `\`, "/"); path.Clean(walked) != walked {
		return fmt.Errorf("%w: %q is a path", ErrBadAgentID, id)
	}
	return nil
}

// CreditsUsage is how much of its credits an organization has spent. Parts
// that the provider leaves out or sets to null are nil.
type CreditsUsage struct {
	Period       UsagePeriod         `json:"period"`
	Organization OrganizationCredits `json:"organization"`
	Agents       []AgentCredits      `json:"agents"`
}

// UsagePeriod is the time that a [CreditsUsage] is about.
type UsagePeriod struct {
	StartDate *string `json:"startDate"`
	EndDate   *string `json:"endDate"`
	Month     any     `json:"month,omitempty"` // its type is not documented
}

// OrganizationCredits are the credits of the whole organization.
type OrganizationCredits struct {
	AllocatedCredits *float64 `json:"allocatedCredits"`
	SpentCredits     *float64 `json:"spentCredits"`
	RemainingCredits *float64 `json:"remainingCredits"`
	PercentageUsed   *float64 `json:"percentageUsed"` // 0 to 100
}

// AgentCredits are the credits that one agent has spent.
type AgentCredits struct {
	AgentID          *string  `json:"agentId"`
	AgentName        *string  `json:"agentName"`
	SpentCredits     *float64 `json:"spentCredits"`
	TransactionCount *float64 `json:"transactionCount"`
}

// CreditsUsage fetches the credits usage of the key's organization:
// GET /credits/usage. It changes nothing and needs no agent, so it also proves
// that the key is accepted. An answer of another shape than documented is
// [ErrUnexpectedAnswer]: the key was accepted all the same.
func (c *Client) CreditsUsage(ctx context.Context) (*CreditsUsage, error) {
	body, err := c.get(ctx, "/credits/usage")
	if err != nil {
		return nil, fmt.Errorf("credits usage: %w", err)
	}
	var usage CreditsUsage
	if err := json.Unmarshal(body, &usage); err != nil {
		return nil, fmt.Errorf("credits usage: %w", &Error{Status: http.StatusOK, Message: c.text(err.Error()), kind: ErrUnexpectedAnswer})
	}
	return &usage, nil
}

// get returns the JSON body of a 200, repeating attempts that may do better
// the next time as long as ctx allows.
func (c *Client) get(ctx context.Context, route string) ([]byte, error) {
	var last error
	for attempt := 0; ; attempt++ {
		if err := c.limit.wait(ctx); err != nil {
			return nil, after(err, last)
		}
		body, err := c.attempt(ctx, route)
		if err == nil {
			return body, nil
		}
		if ctx.Err() != nil {
			return nil, after(err, last)
		}
		last = err
		wait := backoff(attempt, err)
		if attempt >= c.retries || !retryable(err) || !fits(ctx, wait) {
			return nil, err
		}
		if c.onRetry != nil {
			c.onRetry(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, after(err, last)
		}
	}
}

// after adds the failure that was being retried, if any, to the one that ended
// the retries. When it was time that ended them, the failure says it all.
func after(err, last error) error {
	switch {
	case last == nil:
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return last
	}
	return fmt.Errorf("%w, after %w", err, last)
}

// attempt sends one request. Its error is an *Error.
func (c *Client) attempt(ctx context.Context, route string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+route, nil)
	if err != nil {
		return nil, c.unreachable(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	c.authorize(req)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, c.refusal(resp)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, c.maxBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &Error{Status: resp.StatusCode, Message: fmt.Sprintf("more than %d bytes", c.maxBytes), kind: ErrTooLarge}
	case err != nil:
		return nil, c.unreachable(err)
	case !json.Valid(body):
		return nil, &Error{Status: resp.StatusCode, ContentType: c.text(resp.Header.Get("Content-Type")), Message: c.text(string(body)), kind: ErrNotJSON}
	}
	return body, nil
}
