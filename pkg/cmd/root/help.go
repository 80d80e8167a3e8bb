package root

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// printHelp writes a command's page to stdout: what it is for in a line, then
// examples, the usage line, commands, all there is to say, and flags.
func printHelp(a *cli.App, cmd *cobra.Command) {
	// Help comes before any configuration is read; the flag alone decides.
	if when, err := cmd.Flags().GetString("color"); err == nil {
		a.Style, a.ErrStyle = a.Styles(when)
	}
	title := func(s string) { fmt.Fprintf(a.Out, "\n%s\n", a.Style.Bold(s)) }
	headline, details := cmd.Short+".", strings.TrimSpace(cmd.Long)
	if !cmd.HasParent() || cmd.Example == "" {
		headline, details = cmp.Or(details, headline), ""
	}
	fmt.Fprintln(a.Out, headline)
	if cmd.Example != "" {
		title("Examples")
		fmt.Fprintln(a.Out, cmd.Example)
	}
	if cmd.Runnable() {
		title("Usage")
		fmt.Fprintf(a.Out, "  %s\n", strings.TrimSuffix(cmd.UseLine(), " [flags]")+usageTail(cmd))
	}
	for _, group := range append(cmd.Groups(), &cobra.Group{Title: "Commands"}) {
		if !hasCommands(cmd, group.ID) {
			continue
		}
		title(strings.TrimSuffix(group.Title, ":"))
		for _, c := range ranked(cmd.Commands()) {
			if c.GroupID == group.ID && c.IsAvailableCommand() {
				fmt.Fprintf(a.Out, "  %s  %s\n", a.Style.Accent(fmt.Sprintf("%-11s", c.Name())), c.Short)
			}
		}
	}
	if details != "" {
		title("Details")
		fmt.Fprintln(a.Out, details)
	}
	printFlags(a, "Flags", cmd.LocalNonPersistentFlags())
	printFlags(a, "Flags of every command", cmd.Root().PersistentFlags())
	if !cmd.HasParent() {
		title("More")
		for _, c := range cmd.Commands() {
			if c.IsAdditionalHelpTopicCommand() {
				fmt.Fprintf(a.Out, "  %s  %s\n", a.Style.Accent(fmt.Sprintf("%-27s", "julianctl help "+c.Name())), c.Short)
			}
		}
	}
}

// ranked puts those commands that are in the registry into its order.
func ranked(cmds []*cobra.Command) []*cobra.Command {
	all := commands()
	place := func(cmd *cobra.Command) int {
		if i := slices.IndexFunc(all, func(r registered) bool { return r.name == cmd.Name() }); i >= 0 {
			return i
		}
		return len(all)
	}
	return slices.SortedStableFunc(slices.Values(cmds), func(a, b *cobra.Command) int {
		if a.HasParent() && a.Parent().HasParent() {
			return 0 // of a command's own: by name
		}
		return cmp.Compare(place(a), place(b))
	})
}

func usageTail(cmd *cobra.Command) string {
	if cmd.HasAvailableSubCommands() {
		return " COMMAND"
	}
	return " [flags]"
}

func hasCommands(cmd *cobra.Command, group string) bool {
	for _, c := range cmd.Commands() {
		if c.GroupID == group && c.IsAvailableCommand() {
			return true
		}
	}
	return false
}

func printFlags(a *cli.App, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(a.Out, "\n%s\n%s", a.Style.Bold(title), flags.FlagUsagesWrapped(min(a.Out.Width(), 100)))
}

// newHelpTopics are pages without a command: julianctl help TOPIC.
func newHelpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesPage},
		{Use: "environment", Short: "Environment variables and configuration", Long: environmentPage()},
		{Use: "filters", Short: "How to choose deliveries", Long: filtersPage()},
		{Use: "formatting", Short: "Output formats, streams and colour", Long: formattingPage},
	}
}

const exitCodesPage = `Exit codes are the same for every command:

    0   yes: valid, delivered, passed
    1   no: invalid payload, failed delivery or check, expected deliveries missing
    2   usage or configuration
    3   could not answer: unreadable file, unreachable endpoint, API down,
        undecided check
    4   API key missing or rejected
  130   interrupted

1 outranks 3 when both occur. listen and mock, stopped by Ctrl-C or SIGTERM,
exit 0 unless an expectation was missed. --format never changes the exit code.`

const formattingPage = `Results go to stdout; banner, progress, hints and errors go to stderr.

--format json writes one record a line (NDJSON). Every record carries
"schema": "julianctl.COMMAND/v1"; the last one, with "kind": "summary", sums up.
Fields are only ever added.

Colour is used on a terminal. NO_COLOR with any value turns it off;
--color=always and --color=never outweigh everything.

Text from outside (names, transcripts, headers, server messages) is made safe
before it is shown: control characters appear as escapes such as \x1b. JSON
output escapes them instead. Payload bytes are never changed when they are
stored, replayed, forwarded or saved.`

func filtersPage() string {
	var b strings.Builder
	b.WriteString(`A filter chooses deliveries: for log --filter and what stands below log, replay
--from-log, listen --filter and --until, and in the search field of the inspector,
where what has no operator is words to search for.

It is made of terms with commas between them, and all must be met. Of several
numbers, calls or result types any one is enough. A flag that is repeated adds
to the filter.

  12   12..20   4,5,7..9   numbers in the log
  all                      leaves nothing out
`)
	for _, t := range deliveryview.FilterTerms {
		name := t.Name
		if !t.Bare {
			name += "=…"
		}
		fmt.Fprintf(&b, "  %-24s %s\n", name, strings.ReplaceAll(strings.TrimPrefix(t.Doc, "only "), "repeatable: ", ""))
	}
	b.WriteString(`  PATH OPERATOR VALUE      what the payload must hold

A path is a name, or several with dots: callResult.resultType. # stands for every
item of an array: callResult.outcomes.#.name; more is in the syntax of gjson. A
path that is called like a word above is written @this.text.

  =  !=            equal or not; numbers by their value, all else as text
  ~                contains, upper and lower case alike
  <  >  <=  >=     numbers, and text such as timestamps
  exists           is there, with whatever value: sequence exists

A value in double quotes is a JSON string: for one with a comma, or that begins
or ends with a space. For instance:

  callResult.resultType=Busy
  failed,since=2h,duration>60
  callResult.summary ~ "call back, please"

listen knows only what has come: since, until, text and numbers are for the log.`)
	return b.String()
}

func environmentPage() string {
	var b strings.Builder
	b.WriteString(`A setting is looked for in this order:

  1. its flag
  2. its environment variable
  3. the project's file, ./.julianctl.yaml
  4. the user's file, $XDG_CONFIG_HOME/julianctl/config.yaml
  5. its default

--config FILE replaces both files. An unknown key is an error.

The project's file comes with a checkout. Until you say "julianctl config trust"
it names endpoints on this machine only, keeps its log and its fixtures inside
its folder, and decides neither where your API key comes from nor where it goes.
What a command would use beyond that is refused; --allow-host lets deliveries
reach one host. A file that changes has to be trusted again. Trust is kept by
path and content under $XDG_STATE_HOME/julianctl/trust.

Settings and their variables:

`)
	for _, s := range cli.Settings() {
		fmt.Fprintf(&b, "  %-14s %-26s %s\n", s.Key, s.Env[0], s.Doc)
		for _, more := range s.Env[1:] {
			fmt.Fprintf(&b, "  %-14s %s\n", "", more)
		}
	}
	b.WriteString(`
Read from the environment only:

  JULIAN_API_KEY   the API key; there is no flag that takes it
  NO_COLOR         any value turns colour off`)
	return b.String()
}
