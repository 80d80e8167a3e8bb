package root

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/deliveryview"
	"github.com/julianctl/julianctl/pkg/sender"
	"github.com/julianctl/julianctl/pkg/spelling"
	"github.com/julianctl/julianctl/pkg/terminal"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// twoScreens is how many lines of help are shown where not all was asked for.
const twoScreens = 50

// printHelp writes a command's page to stdout. Where it is longer than two screens and
// its flags are in groups, it is cut to those that matter first, unless all is asked for.
func printHelp(a *cli.App, cmd *cobra.Command, all bool) {
	// Help comes before any configuration is read; the flag alone decides.
	if when, err := cmd.Flags().GetString("color"); err == nil {
		a.Style, a.ErrStyle = a.Styles(when)
	}
	page := helpPage(a, cmd, allFlags)
	if groups, _ := cli.FlagGroups(cmd); len(groups) < 2 {
		all = true
	}
	for most := 20; !all && most >= 0 && strings.Count(page, "\n") > twoScreens; most-- {
		page = helpPage(a, cmd, most)
	}
	fmt.Fprint(a.Out, page)
}

// allFlags asks for a whole page.
const allFlags = -1

// helpPage says what a command is for in a line, then shows examples, the usage line,
// commands, what else there is to say, and flags. A short page explains the flags of
// the first group and no more than most others, and names the rest.
func helpPage(a *cli.App, cmd *cobra.Command, most int) string {
	var b strings.Builder
	all := most == allFlags
	width := min(a.Out.Width(), 100)
	title := func(s string) { fmt.Fprintf(&b, "\n%s\n", a.Style.Bold(s)) }
	headline, details := cmd.Short+".", strings.TrimSpace(cmd.Long)
	if !cmd.HasParent() || cmd.Example == "" {
		headline, details = cmp.Or(details, headline), ""
	}
	b.WriteString(reflow(headline, width))
	if cmd.Example != "" {
		title("Examples")
		writeExamples(&b, cmd.Example, all, width)
	}
	if cmd.Runnable() {
		title("Usage")
		tail := " [flags]"
		if cmd.HasAvailableSubCommands() {
			tail = " COMMAND"
		}
		fmt.Fprintf(&b, "  %s\n", strings.TrimSuffix(cmd.UseLine(), " [flags]")+tail)
	}
	for _, group := range append(cmd.Groups(), &cobra.Group{Title: "Commands"}) {
		first := true
		for _, c := range ranked(cmd.Commands()) {
			if c.GroupID != group.ID || !c.IsAvailableCommand() {
				continue
			}
			if first {
				title(strings.TrimSuffix(group.Title, ":"))
				first = false
			}
			hang(&b, "  "+a.Style.Accent(fmt.Sprintf("%-11s", c.Name()))+"  ", terminal.Wrap(c.Short, width-15))
		}
	}
	if details != "" && all {
		title("Details")
		b.WriteString(reflow(details, width))
	}
	groups, _ := cli.FlagGroups(cmd)
	if !all {
		writeShortFlags(&b, a.Style, groups, most, width)
		fmt.Fprintf(&b, "\n%s --help --all\nexplains every flag, and has all examples and details.\n", cmd.CommandPath())
		return b.String()
	}
	for _, g := range groups {
		title(cmp.Or(g.Title, "Other flags"))
		for _, f := range slices.Concat(g.Flags, g.More) {
			writeFlag(&b, a.Style, f, width)
		}
	}
	title("Flags of every command")
	cmd.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) { writeFlag(&b, a.Style, f, width) })
	hang(&b, a.Style.Accent(terminal.Pad("  -h, --help", flagWidth)), terminal.Wrap("show help; with --all every flag and example", width-flagWidth))
	if !cmd.HasParent() {
		hang(&b, a.Style.Accent(terminal.Pad("  -v, --version", flagWidth)), []string{"print the version"})
		title("More")
		for _, c := range cmd.Commands() {
			if c.IsAdditionalHelpTopicCommand() {
				fmt.Fprintf(&b, "  %s  %s\n", a.Style.Accent(fmt.Sprintf("%-27s", "julianctl help "+c.Name())), c.Short)
			}
		}
	}
	return b.String()
}

// writeShortFlags explains the flags of the first group and most others, the first
// ones of each group before the second ones, and names the rest beside the heading.
func writeShortFlags(b *strings.Builder, style terminal.Style, groups []cli.FlagGroup, most, width int) {
	explained := make([]int, len(groups))
	column := 0
	for i, g := range groups {
		if i == 0 {
			explained[i] = len(g.Flags)
			continue
		}
		column = max(column, len(g.Title)+2)
	}
	for round := 0; most > 0 && round < 4; round++ {
		for i, g := range groups {
			if i > 0 && most > 0 && round < len(g.Flags) {
				explained[i]++
				most--
			}
		}
	}
	for i, g := range groups {
		if i < 2 {
			b.WriteString("\n")
		}
		var names []string
		for _, f := range slices.Concat(g.Flags, g.More)[explained[i]:] {
			names = append(names, "--"+f.Name)
		}
		head := style.Bold(terminal.Pad(cmp.Or(g.Title, "Other"), column))
		if explained[i] > 0 && len(names) > 0 {
			head += "also "
		}
		hang(b, head, terminal.WrapList(strings.Join(names, ", "), width-terminal.Cells(head)))
		for _, f := range g.Flags[:explained[i]] {
			writeFlag(b, style, f, width)
		}
	}
}

// flagWidth is the column at which help begins to say what a flag does.
const flagWidth = 30

// writeFlag writes one flag, its value and what it does.
func writeFlag(b *strings.Builder, style terminal.Style, f *pflag.Flag, width int) {
	head := "      --" + f.Name
	if f.Shorthand != "" {
		head = "  -" + f.Shorthand + ", --" + f.Name
	}
	if value := cli.Placeholder(f); f.NoOptDefVal != "" && value != "" {
		head += "[=" + value + "]"
	} else if value != "" {
		head += " " + value
	}
	column := terminal.Pad(head, flagWidth)
	doc := terminal.Wrap(cli.FlagDoc(f), width-flagWidth)
	if terminal.Cells(head) > flagWidth-2 {
		fmt.Fprintln(b, style.Accent(head))
		column = terminal.Spaces(flagWidth)
	}
	hang(b, style.Accent(column), doc)
}

// hang writes lines beside a head.
func hang(b *strings.Builder, head string, lines []string) {
	for _, line := range terminal.Hang(head, lines) {
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
}

// fewExamples is how many a short page shows.
const fewExamples = 5

// writeExamples writes those of a command, or the first few. A line that ends in a
// backslash goes on in the next; what stands behind two spaces is a remark.
func writeExamples(b *strings.Builder, text string, all bool, width int) {
	count := 0
	for line := range strings.Lines(text) {
		if count >= fewExamples && !all {
			break
		}
		line = strings.TrimRight(line, "\n")
		if !strings.HasSuffix(line, "\\") {
			count++
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		command, remark, _ := strings.Cut(line[len(indent):], "  ")
		if terminal.Cells(line) <= width {
			fmt.Fprintln(b, line)
			continue
		}
		if remark != "" {
			fmt.Fprintf(b, "%s# %s\n", indent, strings.TrimSpace(remark))
		}
		for i, part := range breakCommand(command, width-len(indent)-4) {
			if i > 0 {
				b.WriteString(" \\\n    ")
			}
			b.WriteString(indent + part)
		}
		b.WriteString("\n")
	}
}

// breakCommand breaks a command line before a flag or a pipe outside of quotes, into
// parts of so many columns where it can.
func breakCommand(command string, columns int) (parts []string) {
	var quote rune
	start, last := 0, 0 // of this part; and where it may end
	for i, r := range command {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case r == ' ' && strings.ContainsAny(command[i+1:min(i+2, len(command))], "-|"):
			if terminal.Cells(command[start:i]) > columns && last > start {
				parts = append(parts, command[start:last])
				start = last + 1
			}
			last = i
		}
	}
	if terminal.Cells(command[start:]) > columns && last > start {
		parts = append(parts, command[start:last])
		start = last + 1
	}
	return append(parts, command[start:])
}

// reflow breaks paragraphs into lines of so many columns. Indented ones stay as they
// are.
func reflow(text string, width int) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		lines := strings.Split(paragraph, "\n")
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, " ") }) {
			lines = terminal.Wrap(strings.Join(lines, " "), width)
		}
		for _, line := range lines {
			fmt.Fprintln(&b, line)
		}
	}
	return b.String()
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

// newHelpCmd is the command help.
func newHelpCmd(a *cli.App) *cobra.Command {
	var forPrograms bool
	cmd := &cobra.Command{
		Use:   "help [COMMAND|TOPIC]",
		Short: "Show the page of a command or a topic",
		Example: `  julianctl help check
  julianctl help --all log resend
  julianctl help --json               all commands, for programs
  julianctl help filters`,
		Args:              cobra.ArbitraryArgs,
		Annotations:       map[string]string{"config": "none"},
		ValidArgsFunction: completeCommands,
		RunE: func(cmd *cobra.Command, args []string) error {
			page := cmd.Root()
			if forPrograms {
				return describe(a, page)
			}
			for i, word := range args {
				var known []string
				next := slices.IndexFunc(page.Commands(), func(c *cobra.Command) bool {
					known = append(known, c.Name())
					return c.Name() == word
				})
				if next < 0 {
					hint := cli.SeeHelp(page)
					if near := spelling.Nearest(word, known); near != "" {
						hint = "did you mean: julianctl help " + strings.Join(append(slices.Clone(args[:i]), near), " ")
					}
					return cli.UsageError(fmt.Errorf("no command or topic %q", word), hint)
				}
				page = page.Commands()[next]
			}
			return page.Help()
		},
	}
	cmd.Flags().BoolVar(&forPrograms, "json", false, "describe all commands, flags, settings, exit codes and records as JSON")
	return cmd
}

// completeCommands completes the commands below those that are named already.
func completeCommands(cmd *cobra.Command, args []string, begun string) (names []string, _ cobra.ShellCompDirective) {
	page, _, err := cmd.Root().Find(args)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, c := range page.Commands() {
		if strings.HasPrefix(c.Name(), begun) && !c.Hidden {
			names = append(names, c.Name()+"\t"+c.Short)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// newHelpTopics are pages without a command: julianctl help TOPIC.
func newHelpTopics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesPage()},
		{Use: "environment", Short: "Environment variables and configuration", Long: environmentPage()},
		{Use: "filters", Short: "How to choose deliveries", Long: filtersPage()},
		{Use: "formatting", Short: "Output formats, streams and colour", Long: formattingPage},
		{Use: "senders", Short: "How platforms deliver webhooks, for --sender", Long: sendersPage()},
	}
}

func exitCodesPage() string {
	var b strings.Builder
	b.WriteString("Exit codes are the same for every command:\n\n")
	for _, e := range exitCodes {
		hang(&b, fmt.Sprintf("  %3d   ", e.Code), terminal.Wrap(e.Meaning, 70))
	}
	b.WriteString(`
1 outranks 3 when both occur. listen and mock, stopped by Ctrl-C or SIGTERM,
exit 0 unless an expectation was missed. --format never changes the exit code.`)
	return b.String()
}

const formattingPage = `Results go to stdout; banner, progress, hints and errors go to stderr.

--format json writes one record a line (NDJSON). Every record carries
"schema": "julianctl.COMMAND/v1"; the last one, with "kind": "summary", sums up.
Fields are only ever added.

Colour is used on a terminal. NO_COLOR with any value turns it off.
--color=always and --color=never take precedence.

Text from outside (names, transcripts, headers, server messages) is made safe
before it is shown: control characters appear as escapes such as \x1b. JSON
output escapes them too. Payload bytes are never changed when they are stored,
replayed, forwarded or saved.`

func filtersPage() string {
	var b strings.Builder
	b.WriteString(`A filter selects deliveries: in log --filter and the commands below log, in replay
--from-log, in listen --filter and --until, and in the search field of the
inspector, where a term without an operator is a word to search for.

It consists of terms with commas between them, and all must match. Of several
numbers, calls or result types any one is enough. A repeated flag adds to the
filter.

  12   12..20   4,5,7..9   numbers in the log
  all                      every delivery
`)
	for _, t := range deliveryview.FilterTerms {
		name := t.Name
		if !t.Bare {
			name += "=…"
		}
		doc := strings.ReplaceAll(strings.TrimPrefix(t.Doc, "only "), "repeatable: ", "")
		hang(&b, fmt.Sprintf("  %-24s ", name), terminal.Wrap(doc, 53))
	}
	b.WriteString(`  PATH OPERATOR VALUE      a condition on the payload

A path is a name, or several with dots: callResult.resultType. # is every item of
an array: callResult.outcomes.#.name. The syntax is that of gjson. A field with the
name of a term above is written @this.text.

  =  !=            equal or not; numbers by value, everything else as text
  ~                contains, in upper or lower case
  <  >  <=  >=     numbers, and text such as timestamps
  exists           the field is present, with any value: sequence exists

A value in double quotes is a JSON string: for one that has a comma, or begins or
ends with a space. Examples:

  callResult.resultType=Busy
  failed,since=2h,duration>60
  callResult.summary ~ "call back, please"

since, until, text and numbers are for the log, not for listen.`)
	return b.String()
}

func sendersPage() string {
	var b strings.Builder
	b.WriteString(`The provider documents no schedule for its deliveries. mock --sender and check
--drill --sender deliver as other voice platforms do, so that the question is:
whatever the provider does, does the endpoint survive?

`)
	for _, p := range sender.Profiles {
		hang(&b, fmt.Sprintf("  %-10s ", p.Name), terminal.Wrap(p.Doc, 67))
		hang(&b, fmt.Sprintf("  %-10s ", ""), terminal.Wrap("Source: "+p.Source+".", 67))
	}
	b.WriteString(`
A try without an answer within its time is tried again like one that failed,
where nothing else is said. The time for an answer is real time, whatever --speed;
--timeout replaces it. The last status of a call that is given up is shown.`)
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

The project's file comes with a checkout. Until you type "julianctl config trust"
it names endpoints on this machine only, keeps its log and fixtures inside its
folder, and decides nothing about your API key. A command that would use more is
refused; --allow-host lets deliveries reach one host. A changed file has to be
trusted again. Trust is kept by path and content under
$XDG_STATE_HOME/julianctl/trust.

Settings and their variables:

`)
	for _, s := range cli.Settings() {
		for i, name := range s.Env {
			if i > 0 {
				fmt.Fprintf(&b, "  %-14s %s\n", "", name)
				continue
			}
			hang(&b, fmt.Sprintf("  %-14s %-24s ", s.Key, name), terminal.Wrap(s.Doc, 39))
		}
	}
	b.WriteString(`
Read from the environment only:

  JULIAN_API_KEY   the API key; there is no flag that takes it
  NO_COLOR         any value turns colour off`)
	return b.String()
}
