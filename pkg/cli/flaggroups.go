package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// FlagGroup is flags that help shows under one heading.
type FlagGroup struct {
	Title string
	Flags []*pflag.Flag // that a short page explains
	More  []*pflag.Flag // that it only names
}

// flagGroupsKey is the annotation of a command that holds the lines of GroupFlags.
const flagGroupsKey = "julianctl_flag_groups"

// GroupFlags says under which headings help shows the flags of cmd: one heading in
// each line, "Receive: addr path | tls". What stands behind the bar is named on a
// short page and explained on the whole one. Another call adds lines.
func GroupFlags(cmd *cobra.Command, lines ...string) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	for _, line := range lines {
		cmd.Annotations[flagGroupsKey] += line + "\n"
	}
}

// FlagGroups returns the flags of cmd itself in the order of GroupFlags, all in one
// group where it has none. Flags that no line names are in a last group without a
// title, and names without a flag are in unknown.
func FlagGroups(cmd *cobra.Command) (groups []FlagGroup, unknown []string) {
	own := map[string]*pflag.Flag{}
	var names []string
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !f.Hidden {
			own[f.Name] = f
			names = append(names, f.Name)
		}
	})
	lines, grouped := cmd.Annotations[flagGroupsKey]
	if !grouped {
		lines = "Flags: " + strings.Join(names, " ")
	}
	for line := range strings.Lines(lines) {
		title, rest, _ := strings.Cut(line, ":")
		first, more, _ := strings.Cut(rest, "|")
		take := func(list string) (flags []*pflag.Flag) {
			for name := range strings.FieldsSeq(list) {
				f := own[name]
				if f == nil {
					unknown = append(unknown, name)
					continue
				}
				flags = append(flags, f)
				delete(own, name)
			}
			return flags
		}
		if g := (FlagGroup{title, take(first), take(more)}); len(g.Flags)+len(g.More) > 0 {
			groups = append(groups, g)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return own[name] == nil })
	if len(names) > 0 {
		var left FlagGroup
		for _, name := range names {
			left.Flags = append(left.Flags, own[name])
		}
		groups = append(groups, left)
	}
	return groups, unknown
}

// Placeholders are what help writes in place of the value of a flag, by its name or
// else by its type.
func Placeholders() map[string]string {
	return map[string]string{
		"addr": "HOST:PORT", "ui-addr": "HOST:PORT", "to": "URL|NAME", "forward-to": "URL|NAME", "webhook-to": "URL|NAME",
		"base-url": "URL", "probe-url": "URL", "ready-url": "URL", "path": "PATH", "filter": "FILTER", "until": "FILTER",
		"from-log": "FILTER", "header": "HEADER", "require-header": "HEADER", "probe-header": "HEADER",
		"redact-header": "NAME", "allow-host": "HOST", "set": "PATH=VALUE", "set-new": "PATH=VALUE",
		"report": "FORMAT=FILE", "config": "FILE", "log": "FOLDER|off", "color": "WHEN", "agent": "ID", "call": "ID",
		"ids": "IDS", "only": "CHECK,…", "skip": "CHECK,…", "budget": "LIMITS", "max-latency": "LIMITS",
		"expect": "STATUS,…", "rule": "ID=SEVERITY", "cacert": "FILE", "baseline": "FILE", "resume": "FILE",
		"exec": "CMD", "probe": "CMD", "probe-batch": "CMD", "cleanup": "CMD", "reset": "CMD", "also": "CMD", "up": "CMD",
		"down": "CMD", "on-failure": "CMD", "on-recover": "CMD", "on-silence": "'TIME CMD'", "unless-effect": "CMD",
		"env": "NAME=VALUE", "through": "VAR", "spy": "VAR", "explain": "ID", "ready-file": "FILE", "save": "FOLDER",
		"fixtures": "FOLDER", "output": "FILE", "schema": "FILE", "agent-shape": "FILE", "key-file": "FILE",
		"redact-key-file": "FILE", "api-key-file": "FILE", "keep-words": "FILE", "against": "FILE", "manifest": "FILE",
		"received": "FILE", "sample": "FILE", "tls-ca-out": "FILE", "tls-cert": "FILE", "tls-key": "FILE",
		"result-type": "TYPE", "since": "WHEN", "text": "WORDS", "body": "TEXT", "at": "STEP", "size": "SIZE",
		"transcript-size": "SIZE", "fail-over": "SHARE", "older-than": "TIME", "spy-answer": "ANSWER", "probe-path": "PATH",
		"probe-missing": "STATUS=N", "expect-effects": "TYPE=N", "variant": "NAME", "invalid": "RULE", "lifecycle": "NAME",
		"direction": "NAME", "calls": "N|FILE", "journal": "FOLDER",

		"type bool": "", "type string": "TEXT", "type stringArray": "TEXT", "type stringSlice": "TEXT", "type int": "N",
		"type uint64": "N", "type float64": "N", "type duration": "TIME",
		"type time": "TIME", "type size": "SIZE", "type name": "NAME", "type range": "TIME", "type speed": "60x|max",
	}
}

// Placeholder is what help writes for the value of a flag; empty for one that takes
// none.
func Placeholder(f *pflag.Flag) string {
	placeholders, kind := Placeholders(), "type "+f.Value.Type()
	if kind == "type bool" {
		return ""
	}
	if text, ok := placeholders[f.Name]; ok {
		return text
	}
	return placeholders[kind]
}

// FlagDoc is what a flag does, with its default where it has one to tell.
func FlagDoc(f *pflag.Flag) string {
	switch {
	case slices.Contains([]string{"", "0", "0s", "-1", "false", "[]"}, f.DefValue), strings.Contains(f.Usage, "(default"):
		return f.Usage
	}
	return f.Usage + " (default " + f.DefValue + ")"
}
