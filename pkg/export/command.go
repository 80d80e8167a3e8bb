package export

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/safetext"
)

// command returns the command that runs a shard, for a POSIX shell in the folder of the
// files. Secrets come from the environment.
func (e Export) command(m *Manifest, shard int) string {
	if e.Engine == K6 {
		return e.k6Command(m, shard)
	}
	return e.VegetaCommand(m.Shards[shard].Name)
}

func (e Export) k6Command(m *Manifest, shard int) string {
	var words []string
	if e.CACert != "" {
		words = append(words, "SSL_CERT_FILE="+safetext.Shell(e.CACert)) // k6 has no flag for it
	}
	words = append(words, "k6", "run")
	if len(m.Shards) > 1 {
		words = append(words, "-e", fmt.Sprintf("SHARD=%d", shard+1))
	}
	return strings.Join(append(words, ScriptFile), " ")
}

// VegetaCommand returns the command that runs a file of targets; stdin if targets is
// empty. It reads lazily, so that each target is sent once.
func (e Export) VegetaCommand(targets string) string {
	words := []string{"vegeta", "attack", "-format", "json", "-lazy"}
	add := func(name, value string) { words = append(words, name, value) }
	if targets != "" {
		add("-targets", safetext.Shell(targets))
	}
	senders := strconv.Itoa(max(e.Plan.Concurrency, 1))
	add("-rate", vegetaRate(e.Plan.Rate/float64(e.shards())))
	add("-workers", strconv.Itoa(min(max(e.Plan.Concurrency, 1), 10))) // it starts more if needed
	add("-max-workers", senders)
	if e.Duration > 0 {
		add("-duration", e.Duration.String())
	}
	add("-timeout", e.timeout().String())
	add("-redirects", "0")
	add("-max-body", "0")
	if e.Insecure {
		words = append(words, "-insecure")
	}
	if e.CACert != "" {
		add("-root-certs", safetext.Shell(e.CACert))
	}
	for _, name := range e.Secrets {
		// ${…:?} ends the command if the variable is missing.
		add("-header", fmt.Sprintf(`"%s: ${%s:?}"`, shellInQuotes.Replace(name), Variable(name)))
	}
	return strings.Join(words, " ") + " | vegeta report"
}

// vegetaRate formats a rate per second for vegeta: a whole number per time. 0 means as
// fast as answers come.
func vegetaRate(rate float64) string {
	seconds := 1.0
	for rate*seconds != math.Trunc(rate*seconds) && rate*seconds < 1e5 {
		seconds *= 10
	}
	hits := strconv.FormatFloat(rate*seconds, 'f', 0, 64)
	if seconds == 1 {
		return hits
	}
	return fmt.Sprintf("%s/%.0fs", hits, seconds)
}

// shellInQuotes escapes a header name for double quotes. Of the characters of a token
// (RFC 9110, 5.6.2), only these two are special there.
var shellInQuotes = strings.NewReplacer("$", `\$`, "`", "\\`")
