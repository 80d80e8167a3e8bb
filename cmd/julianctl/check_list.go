package main

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/check"
	"github.com/julianctl/julianctl/pkg/report"
)

func listChecks(a *app, format string) error {
	records := report.NewRecords(a.out, "check")
	group := ""
	for _, c := range check.Checks {
		if format == "json" {
			if err := records.Write("check", c); err != nil {
				return err
			}
			continue
		}
		if c.Group != group {
			group = c.Group
			fmt.Fprintln(a.out, a.style.bold(group))
		}
		fmt.Fprintf(a.out, "  %-20s %s\n", c.ID, c.Title)
	}
	return nil
}

func explainCheck(a *app, id string) error {
	c, err := check.Find(id)
	if err != nil {
		return usage(fmt.Errorf("--explain: %w", err), didYouMean(id, check.Names(), `"julianctl check --list" names them`))
	}
	needs := "answers"
	if c.Needs == check.Effects {
		needs = "effects, counted by --probe or --probe-url; without them it can only fail"
	}
	repeat := "julianctl check --to URL --only " + c.ID
	fmt.Fprintf(a.out, "%s  (%s)\n\n  The endpoint %s.\n\n", a.style.bold(c.ID), c.Group, c.Title)
	for _, row := range []struct{ name, text string }{
		{"why", c.Why}, {"how", c.How}, {"needs", needs}, {"sends", countOf(c.Requests, "request", "requests") + " at most"}, {"repeat", repeat},
	} {
		for i, line := range wrap(row.text, a.out.width()-10) {
			name := row.name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(a.out, "  %-6s  %s\n", name, line)
		}
	}
	return nil
}
