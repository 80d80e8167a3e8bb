package root

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/safetext"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// This file says what to type in place of a command line that cannot be run.

// otherFlags are what other tools call a flag. The first of the names that the
// command has is meant.
var otherFlags = map[string][]string{
	"url": {"to", "forward-to", "base-url", "webhook-to"}, "target": {"to", "forward-to", "webhook-to"}, "endpoint": {"to", "forward-to", "webhook-to"},
	"uri": {"to", "forward-to"}, "webhook": {"to", "forward-to", "webhook-to"}, "webhook-url": {"to", "forward-to", "webhook-to"}, "destination": {"to", "forward-to"},
	"forward": {"forward-to"}, "proxy": {"forward-to"}, "upstream": {"forward-to"},
	"port": {"addr"}, "p": {"addr"}, "host": {"addr"}, "bind": {"addr"}, "address": {"addr"},
	"n": {"count", "limit"}, "requests": {"count"}, "number": {"count"}, "tail": {"limit"}, "lines": {"limit"},
	"duplicates": {"dup"}, "repeat": {"dup"}, "copies": {"dup"},
	"workers": {"concurrency"}, "parallel": {"concurrency"}, "threads": {"concurrency"}, "vus": {"concurrency"},
	"rps": {"rate"}, "qps": {"rate"}, "time": {"duration"},
	"out": {"output"}, "outfile": {"output"}, "json": {"format"}, "output-format": {"format"},
	"k": {"insecure"}, "skip-verify": {"insecure"}, "verbose": {"full"}, "https": {"tls"}, "ssl": {"tls"},
	"type": {"result-type"}, "grep": {"text"}, "search": {"text"}, "call-id": {"call"}, "errors": {"failed"},
	"follow": {"follow"}, "secret": {"require-header"}, "token": {"require-header"}, "auth": {"require-header"},
}

// keyFlags are what other tools call a flag that takes an API key. No flag does here.
var keyFlags = []string{"api-key", "apikey", "key", "x-api-key"}

// otherCommands are what other tools call a command.
var otherCommands = map[string]string{
	"send": "replay", "post": "replay", "deliver": "replay", "trigger": "replay", "resend": "log resend",
	"serve": "listen", "server": "listen", "receive": "listen", "start": "listen", "forward": "listen", "tunnel": "listen",
	"test": "check", "verify": "check", "doctor": "check", "probe": "check",
	"login": "auth login", "logout": "auth logout", "status": "auth status", "whoami": "auth status",
	"logs": "log", "history": "log", "events": "log", "list": "log", "tail": "log --follow", "follow": "log --follow",
	"lint": "validate", "fake": "mock", "simulate": "mock", "gen": "generate", "anonymize": "redact", "mask": "redact",
	"init": "config init", "k6": "export k6", "vegeta": "export vegeta", "fetch": "sample", "get": "sample",
	"log list": "log", "log tail": "log --follow", "log replay": "log resend", "log delete": "log prune",
	"log clear": "log prune", "log get": "log show", "config show": "config list", "config get": "config list",
	"auth whoami": "auth status", "auth token": "auth status", "schema show": "schema", "schema print": "schema",
}

// argumentFlags are flags that a command takes where people give an argument.
var argumentFlags = map[string][]string{
	"listen": {"addr", "forward-to"}, "mock": {"addr"}, "generate": {"count"},
}

// explain adds to an error of the command line what to type in its place.
func explain(cmd *cobra.Command, args []string, err error) error {
	if e, ok := errors.AsType[*cli.UnknownCommandError](err); ok {
		return explainCommand(args, e)
	}
	if e, ok := errors.AsType[*cli.UnexpectedArgumentError](err); ok {
		for _, flag := range argumentFlags[below(e.Cmd)] {
			value := flagValue(flag, e.Word)
			if f := e.Cmd.Flags().Lookup(flag); f.Value.Set(value) == nil && (flag != "addr" || isNumber(e.Word)) {
				return cli.UsageError(e, instead(args, e.Word, "--"+flag, value))
			}
		}
	}
	if f, ok := errors.AsType[*cli.ExitError](err); ok && f.Code == cli.ExitUsage && f.Err != nil && f.Hint == "" {
		return cli.UsageError(f.Err, cli.SeeHelp(cmd))
	}
	return err
}

// below is the path of a command below the program.
func below(cmd *cobra.Command) string {
	_, path, _ := strings.Cut(cmd.CommandPath(), " ")
	return path
}

// unknownCommand is the word that stands where a command below cmd should; empty if
// there is none. Its flags are looked at first, and are not those of cmd.
func unknownCommand(cmd *cobra.Command, args []string) string {
	rest := args[min(len(args), len(strings.Fields(below(cmd)))):]
	if !cmd.HasSubCommands() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return ""
	}
	return rest[0]
}

func explainCommand(args []string, e *cli.UnknownCommandError) error {
	path := strings.TrimSpace(below(e.Cmd) + " " + e.Word)
	other, known := otherCommands[path]
	flag := e.Cmd.Flags().Lookup(e.Word)
	switch {
	case flag != nil && flag.Value.Type() == "bool":
		return cli.UsageError(e, instead(args, e.Word, "--"+e.Word))
	case path == "config set" || path == "config edit" || path == "config add":
		return cli.UsageError(e, `settings are lines such as "to: http://127.0.0.1:8080/webhook" in .julianctl.yaml, which "julianctl config init" writes`)
	case below(e.Cmd) == "log" && isNumber(e.Word):
		return cli.UsageError(e, instead(args, e.Word, "show", e.Word))
	case known && e.Cmd.HasParent():
		return cli.UsageError(e, "did you mean: julianctl "+other)
	case known:
		return cli.UsageError(e, instead(args, e.Word, strings.Fields(other)...))
	}
	return e.Usage()
}

// instead is a hint with the command line in which words stand for one of args. A line
// that may hold a secret is not shown again.
func instead(args []string, word string, words ...string) string {
	i := slices.Index(args, word)
	if i < 0 || slices.ContainsFunc(args, mayHoldSecret) {
		return "did you mean: " + strings.Join(words, " ")
	}
	line := []string{"julianctl"}
	for _, arg := range slices.Concat(args[:i], words, args[i+1:]) {
		line = append(line, safetext.Shell(arg))
	}
	return "did you mean: " + strings.Join(line, " ")
}

// mayHoldSecret is for an argument that is, or comes before, the value of a header, or
// holds a password.
func mayHoldSecret(arg string) bool {
	return strings.HasPrefix(arg, "-H") || strings.Contains(arg, "header") || strings.Contains(arg, "@") || strings.HasPrefix(arg, "--env")
}

// explainFlag says what to type for a flag that the command does not have.
func explainFlag(cmd *cobra.Command, args []string, name string) (hint string) {
	bare := strings.TrimLeft(name, "-")
	if slices.Contains(keyFlags, bare) {
		return `a key on the command line can be read by others: "julianctl auth login" keeps it, or set ` + cli.KeyVariable + " or --api-key-file"
	}
	for _, other := range otherFlags[bare] {
		if f := cmd.Flags().Lookup(other); f != nil {
			return insteadOfFlag(args, name, f)
		}
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return cli.DidYouMean(name, known, cli.SeeHelp(cmd))
}

// insteadOfFlag is the command line with a flag in place of one that does not exist.
func insteadOfFlag(args []string, name string, f *pflag.Flag) string {
	for i, arg := range args {
		flag, value, given := strings.Cut(arg, "=")
		if flag != name {
			continue
		}
		rest := args[i+1:]
		takes := f.Value.Type() != "bool" && f.NoOptDefVal == ""
		optional := f.Value.Type() != "bool" && !takes
		switch {
		case strings.TrimLeft(name, "-") == "json":
			value = "json"
		case !given && takes && len(rest) > 0:
			value, rest = rest[0], rest[1:]
		case !given && optional && len(rest) > 0 && isNumber(rest[0]):
			value, rest, given = rest[0], rest[1:], true // only after "=" is it the flag's
		case !given && takes:
			return fmt.Sprintf("did you mean %q?", "--"+f.Name)
		}
		words := []string{"--" + f.Name}
		if takes {
			words = append(words, flagValue(f.Name, value))
		} else if given {
			words[0] += "=" + value
		}
		line := slices.Concat(args[:i], words, rest)
		return instead(line, words[0], words[0])
	}
	return fmt.Sprintf("did you mean %q?", "--"+f.Name)
}

// flagValue is a value as the flag takes it: a port is one of this machine.
func flagValue(flag, value string) string {
	if flag == "addr" && isNumber(value) {
		return "127.0.0.1:" + value
	}
	return value
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil
}

// nearValue is what was probably meant by a value that a flag does not take; empty if
// there is no telling.
func nearValue(f *pflag.Flag, value string) string {
	var candidates []string
	switch f.Value.Type() {
	case "duration", "time", "range":
		candidates = []string{value + "s", strings.ReplaceAll(value, " ", "")}
		if len(value) > 2 {
			candidates = append([]string{value + "ms"}, candidates...) // 200 is no time in seconds
		}
	case "size":
		candidates = []string{strings.TrimSuffix(strings.ToUpper(value), "B") + "iB", value + "iB"}
	case "float64":
		if percent, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64); err == nil && strings.HasSuffix(value, "%") {
			candidates = []string{strconv.FormatFloat(percent/100, 'g', -1, 64)}
		}
		candidates = append(candidates, strings.TrimSuffix(value, "/s"))
	case "int", "uint64":
		candidates = []string{strings.NewReplacer(",", "", "_", "", " ", "").Replace(value)}
	case "name":
		candidates = []string{spelling.Nearest(value, choices(f))}
	}
	before := f.Value.String()
	for _, candidate := range candidates {
		if candidate != "" && candidate != value && f.Value.Set(candidate) == nil {
			// It was not given: the value is as before.
			_ = f.Value.Set(before)
			return candidate
		}
	}
	return ""
}
