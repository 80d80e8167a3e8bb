package check

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/julianctl/julianctl/pkg/checklist"
	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliver"
	"github.com/julianctl/julianctl/pkg/effects"
	"github.com/julianctl/julianctl/pkg/generate"
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/spf13/cobra"
)

// probeFlags say how effects are counted.
type probeFlags struct {
	command, url, path string
	batch              string   // a command
	missing            []string // STATUS=COUNT
	headers            []string
	expect             []string      // result type=count
	settle             time.Duration // 0: taken from the first call
}

// NewCmd is the command.
func (f *probeFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.command, "probe", "", "command that prints how often "+effects.Placeholder+", or $"+effects.ProbeEnv+", was processed")
	flags.StringVar(&f.url, "probe-url", "", "URL that answers with how often a call was processed; holds "+effects.Placeholder)
	flags.StringVar(&f.path, "probe-path", "", "path to the number, or to a list, in the probe's JSON (gjson)")
	flags.StringVar(&f.batch, "probe-batch", "", `command that reads ids, one a line, and prints "id count", one a line`)
	flags.StringSliceVar(&f.missing, "probe-missing", nil, "count for a status of --probe-url: 404=0 (repeatable)")
	flags.StringArrayVar(&f.headers, "probe-header", nil, "header of --probe-url, 'Name: value' (repeatable)")
	flags.StringArrayVar(&f.expect, "expect-effects", nil, "how often calls of a result type are processed: Busy=0 (repeatable; default once)")
	flags.DurationVar(&f.settle, "settle", 0, "longest wait for the effect of a call (default taken from the first call, up to 30s)")
}

// newProbe is nil when none was asked for. The function ends it. What it asks over
// HTTP passes the same guard as a delivery.
func newProbe(a *cli.App, f probeFlags, allow []string) (effects.Probe, func(), error) {
	nothing := func() {}
	switch {
	case f.command != "" && f.url != "":
		return nil, nil, cli.UsageError(errors.New("use only one of --probe and --probe-url"), "")
	case f.url == "" && (len(f.missing) > 0 || len(f.headers) > 0):
		return nil, nil, cli.UsageError(errors.New("--probe-missing and --probe-header need --probe-url"), "")
	case f.command != "":
		words, err := probeWords("--probe", f.command)
		if err == nil {
			err = asksForCall(words, f.command)
		}
		if err != nil {
			return nil, nil, err
		}
		return effects.CommandProbe(words, f.path), nothing, nil
	case f.url == "":
		if f.path != "" {
			return nil, nil, cli.UsageError(errors.New("--probe-path without a probe"), "give --probe CMD or --probe-url URL")
		}
		return nil, nothing, nil
	}
	if !strings.Contains(f.url, effects.Placeholder) {
		return nil, nil, cli.UsageError(fmt.Errorf("--probe-url %q does not say where the id goes", f.url), "write "+effects.Placeholder+" in its place")
	}
	const id = "julianctlCallId" // as it is in a URL
	t, err := a.Target(strings.ReplaceAll(f.url, effects.Placeholder, id), allow)
	if err != nil {
		if no, ok := errors.AsType[*cli.ExitError](err); ok && no.Err != nil {
			no.Err = fmt.Errorf("--probe-url: %w", no.Err)
		}
		return nil, nil, err
	}
	if strings.Contains(t.URL.Host, id) {
		return nil, nil, cli.UsageError(fmt.Errorf("--probe-url %q has the id in its host", f.url), "")
	}
	header, err := cli.ParseHeaders(nil, f.headers)
	if err != nil {
		return nil, nil, err
	}
	missing, err := missingCounts(f.missing)
	if err != nil {
		return nil, nil, err
	}
	client, err := deliver.New(t.Guarded, deliver.Options{UserAgent: "julianctl/" + cli.Version(), Timeout: 10 * time.Second, MaxExcerpt: 1 << 20, Header: header})
	if err != nil {
		return nil, nil, cli.UsageError(err, "")
	}
	asked := &url.URL{Path: t.URL.Path, RawPath: t.URL.RawPath, RawQuery: t.URL.RawQuery}
	if asked.Path == "" {
		asked.Path = "/"
	}
	return effects.URLProbe(client, strings.ReplaceAll(asked.RequestURI(), id, effects.Placeholder), f.path, missing), client.Close, nil
}

// shellVariable is one that a shell fills in.
var shellVariable = regexp.MustCompile(`\$(\{[A-Z_][A-Z0-9_]*\}|[A-Z_][A-Z0-9_]*)`)

// tryProbe asks the probe for a call that nobody has delivered, before anything is
// sent: one that does not count is said at once. Where the endpoint is not there
// either, that comes first.
func tryProbe(ctx context.Context, probe effects.Probe, client *deliver.Client) error {
	if probe == nil {
		return nil
	}
	const soon = time.Second
	r, err := effects.NewCounter(probe, 0).Read(ctx, fmt.Sprintf("call.julianctl-%016x", rand.Uint64())) // it may fail now and then
	if err == nil && r.Count != 0 {
		err = fmt.Errorf("probe counts %d for a call that was never delivered", r.Count)
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if checklist.Ready(ctx, client, soon) != nil {
		return ctx.Err()
	}
	hint := "nothing was sent; try the probe by itself, with any id in it"
	if said, ok := errors.AsType[effects.NotNumberError](err); ok && said.Path() != "" {
		hint = "nothing was sent; say where in this JSON the number is: --probe-path " + safetext.Shell(said.Path())
	}
	return cli.Failure(err, hint)
}

// probeWords splits the command of a flag. One that only a shell understands is
// warned: no shell reads it.
func probeWords(flag, command string) ([]string, error) {
	words, err := cli.SplitCommand(command)
	if err != nil {
		return nil, cli.UsageError(fmt.Errorf("%s %q %w", flag, command, err), "")
	}
	if err := noShell(flag, command, words); err != nil {
		return nil, err
	}
	// One with a folder may be built by the time that it is run.
	if _, err := exec.LookPath(words[0]); err != nil && filepath.Base(words[0]) == words[0] {
		return nil, cli.UsageError(fmt.Errorf("%s %q: %w", flag, command, err), "give a program that is on the PATH, or the path of a file: ./"+safetext.Line(words[0]))
	}
	return words, nil
}

// noShell refuses words that only a shell understands, where none reads them.
func noShell(flag, command string, words []string) error {
	shell := len(words) > 1 && slices.Contains([]string{"sh", "bash", "dash", "zsh", "ash"}, filepath.Base(words[0]))
	for _, word := range words {
		if name := shellVariable.FindString(word); name != "" && !shell {
			if strings.Trim(name, "${}") == "PORT" && flag == "--exec" {
				return cli.UsageError(fmt.Errorf("%s %q has %s, and no shell reads it", flag, command, name), "write {port} in its place")
			}
			return cli.UsageError(fmt.Errorf("%s %q has %s, and no shell reads it", flag, command, name), flag+` "sh -c '…'" has one read it, or double quotes let yours fill it in`)
		}
	}
	if sign := shellSign.FindString(quoted.ReplaceAllString(command, "")); sign != "" {
		return cli.UsageError(fmt.Errorf("%s %q has %q, and no shell reads it", flag, command, sign), flag+` "sh -c '…'" has one read it`)
	}
	return nil
}

// quoted is what stands in quotes, as [cli.SplitCommand] reads them; shellSign is what
// joins commands, or leads to a file, where a shell reads it.
var (
	quoted    = regexp.MustCompile(`'[^']*'|"(?:\\.|[^"\\])*"|\\.`)
	shellSign = regexp.MustCompile(`\|\|?|&&|[0-9]?[<>]+|;(?:\s|$)`)
)

// queryPrograms never read the environment for the id of a call, unless a file of
// statements does.
var queryPrograms = []string{"psql", "mysql", "mariadb", "sqlite3", "redis-cli", "valkey-cli", "curl", "wget", "mongosh"}

// asksForCall refuses a probe that counts the same for every call: a query without the
// id. Other programs may read it from their environment.
func asksForCall(words []string, command string) error {
	program := strings.TrimSuffix(filepath.Base(words[0]), ".exe")
	reads := func(word string) bool {
		return strings.Contains(word, effects.Placeholder) || strings.Contains(word, effects.ProbeEnv) ||
			slices.Contains([]string{"-f", "--file", "-init", "-K", "--config"}, word) || strings.HasPrefix(word, "--file=")
	}
	if !slices.Contains(queryPrograms, program) || slices.ContainsFunc(words[1:], reads) {
		return nil
	}
	return cli.UsageError(fmt.Errorf("--probe %q does not say where the id goes", command), "write "+effects.Placeholder+" in its place"+programRecipe(program))
}

// programRecipe is the recipe that uses a program, for the end of a hint.
func programRecipe(program string) string {
	for _, r := range recipes {
		if strings.HasPrefix(r.flag, `--probe "`+program+" ") {
			return ", such as " + r.flag
		}
	}
	if program == "psql" || program == "mariadb" {
		return ", such as where call_id = '" + effects.Placeholder + "'"
	}
	return ""
}

// planBatch adds the probe of --probe-batch.
func (p *checkPlan) planBatch(f probeFlags) error {
	if f.batch == "" {
		return nil
	}
	if f.command != "" || f.url != "" {
		return cli.UsageError(errors.New("use only one of --probe-batch, --probe and --probe-url"), "")
	}
	words, err := probeWords("--probe-batch", f.batch)
	if err != nil {
		return err
	}
	p.options.Batch = effects.CommandBatch(words)
	p.options.Probe = p.options.Batch.One()
	return nil
}

// missingCounts reads STATUS=COUNT.
func missingCounts(list []string) (map[int]int, error) {
	counts := map[int]int{}
	for _, item := range list {
		status, count, found := strings.Cut(item, "=")
		code, err := strconv.Atoi(status)
		n, err2 := strconv.ParseUint(count, 10, 31)
		if !found || errors.Join(err, err2) != nil || code < 100 || code > 599 {
			return nil, cli.UsageError(fmt.Errorf("--probe-missing %q is not STATUS=COUNT", item), "such as --probe-missing 404=0")
		}
		counts[code] = int(n)
	}
	return counts, nil
}

// planCalls reads what the flags say of the calls that are delivered.
func (p *checkPlan) planCalls(o options) error {
	for _, item := range o.probe.expect {
		name, count, _ := strings.Cut(item, "=")
		n, err := strconv.ParseUint(count, 10, 8)
		known := julian.ResultTypes()
		at := slices.IndexFunc(known, func(v julian.Value[julian.ResultType]) bool {
			return strings.EqualFold(string(v.Name), strings.TrimSpace(name))
		})
		if err != nil || at < 0 {
			return cli.UsageError(fmt.Errorf("--expect-effects %q is not TYPE=COUNT of a result type", item), "such as --expect-effects Busy=0")
		}
		if p.options.Expect == nil {
			p.options.Expect = map[julian.ResultType]int{}
		}
		p.options.Expect[known[at].Name] = int(n)
	}
	if o.agent != "" && !strings.HasPrefix(o.agent, "agent.") {
		return cli.UsageError(fmt.Errorf(`--agent %q does not begin with "agent."`, o.agent), "")
	}
	p.options.Agent = o.agent
	edits, err := o.sets.Edits()
	if err != nil {
		return err
	}
	if len(edits) > 0 {
		for _, set := range slices.Concat(o.sets.Known, o.sets.Added) {
			if path, _, _ := strings.Cut(set, "="); path == "callId" || path == "callResult" {
				return cli.UsageError(fmt.Errorf("--set %q: the checks make their own", path), "")
			}
		}
		plain, err := generate.New(1).Payload(generate.Spec{})
		if err != nil {
			return err
		}
		if _, err := cli.ApplyEdits(plain, edits); err != nil {
			return err
		}
		p.options.Edit = func(body []byte) ([]byte, error) { return cli.ApplyEdits(body, edits) }
	}
	if o.also != "" {
		words, err := probeWords("--also", o.also)
		if err != nil {
			return err
		}
		p.options.Also = effects.CommandWriter(words)
	}
	return nil
}

// recipes are probes as people write them, by what the calls are kept in.
var recipes = []struct{ env, keeps, flag string }{
	{"postgres", "PostgreSQL", `--probe "psql -XAtc \"select count(*) from calls where call_id = '{callId}'\" $DATABASE_URL"`},
	{"", "PostgreSQL, many calls at once", `--probe-batch "sh -c 'psql -XqAt -F \" \" -c \"create temp table ids (id text)\" -c \"\\copy ids from pstdin\" -c \"select ids.id, (select count(*) from calls where call_id = ids.id) from ids\" \"$DATABASE_URL\"'"`},
	{"mysql", "MySQL", `--probe "mysql -N -e \"select count(*) from calls where call_id = '{callId}'\" DATABASE"`},
	{"sqlite", "SQLite", `--probe "sqlite3 -cmd '.timeout 5000' calls.db \"select count(*) from calls where call_id = '{callId}'\""`},
	{"redis", "Redis", `--probe "redis-cli llen calls:{callId}"`},
	{"", "a REST list", `--probe-url 'http://127.0.0.1:8080/calls?callId={callId}' --probe-path items --probe-missing 404=0`},
}

// nearestRecipe is the recipe for what the environment says the endpoint uses, or
// that for a REST list.
func nearestRecipe(env func(string) string) string {
	url := strings.ToLower(env("DATABASE_URL") + env("REDIS_URL"))
	for _, r := range recipes {
		if r.env != "" && strings.Contains(url, r.env) {
			return r.flag
		}
	}
	return recipes[len(recipes)-1].flag
}

// recipeText lists them for the help.
func recipeText() string {
	var b strings.Builder
	for _, r := range recipes {
		fmt.Fprintf(&b, "  %s:\n    %s\n", r.keeps, r.flag)
	}
	return b.String()
}
