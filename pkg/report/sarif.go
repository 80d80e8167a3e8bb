package report

import (
	"bufio"
	"bytes"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/julianctl/julianctl/pkg/validate"
)

// The part of SARIF 2.1.0 that is written here, with the names of the standard:
// docs.oasis-open.org/sarif/sarif/v2.1.0.
type (
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string             `json:"id"`
		ShortDescription sarifText          `json:"shortDescription"`
		FullDescription  sarifText          `json:"fullDescription"`
		Help             sarifText          `json:"help"`
		Configuration    sarifConfiguration `json:"defaultConfiguration"`
	}
	sarifConfiguration struct {
		Enabled bool   `json:"enabled"`
		Level   string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Start         string              `json:"startTimeUtc,omitempty"`
		End           string              `json:"endTimeUtc,omitempty"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    *int              `json:"ruleIndex,omitempty"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"` // of a place in JSON: its pointer
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// writeSARIF writes one run, a result per line. Undecided cases and the number of results
// not listed are notifications.
func writeSARIF(w io.Writer, r Report) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Invocations: []sarifInvocation{sarifInvoked(r)}}
	run.Tool.Driver = sarifDriver{Name: "julianctl", Version: r.Version, InformationURI: "https://github.com/julianctl/julianctl", Rules: []sarifRule{}}
	index := map[string]*int{}
	for i, rule := range r.Rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(rule))
		index[rule.ID] = &i
	}
	head, err := encode(run)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	// bufio.Writer keeps its first error for Flush.
	_, _ = out.WriteString(`{"$schema":"` + sarifSchema + `","version":"2.1.0","runs":[` + "\n")
	_, _ = out.Write(bytes.TrimSuffix(head, []byte("}")))
	_, _ = out.WriteString(`,"results":[`)
	between := "\n"
	marks := fingerprints{}
	for c, f := range r.findings() {
		if c.Verdict == Undecided {
			continue
		}
		line, err := encode(sarifResult{
			RuleID: f.Rule, RuleIndex: index[f.Rule], Level: string(f.Severity), Message: sarifMessage(f),
			Locations: sarifLocations(f), Fingerprints: map[string]string{"julianctl/v1": marks.of(f)},
		})
		if err != nil {
			return err
		}
		_, _ = out.WriteString(between)
		_, _ = out.Write(line)
		between = ",\n"
	}
	_, _ = out.WriteString("\n]}]}\n")
	return out.Flush()
}

// sarifInvoked says how the run went.
func sarifInvoked(r Report) sarifInvocation {
	const stamp = "2006-01-02T15:04:05.000Z"
	v := sarifInvocation{Successful: true}
	if !r.Started.IsZero() {
		v.Start, v.End = r.Started.UTC().Format(stamp), r.Started.Add(r.Took).UTC().Format(stamp)
	}
	for c, f := range r.findings() {
		if c.Verdict == Undecided {
			v.Successful = false
			v.Notifications = append(v.Notifications, sarifNotification{"error", sarifMessage(f), sarifLocations(f)})
		}
	}
	if r.Unlisted.Cases[Undecided] > 0 {
		v.Successful = false
	}
	if more := r.Unlisted.more(); more != "" {
		v.Notifications = append(v.Notifications, sarifNotification{"warning", sarifText{Text: more}, nil})
	}
	return v
}

func sarifRuleOf(rule validate.Rule) sarifRule {
	configuration := sarifConfiguration{true, string(rule.Severity)}
	if rule.Severity == validate.Off {
		configuration = sarifConfiguration{false, string(validate.Warning)} // what --strict and --rule start from
	}
	return sarifRule{
		ID:               rule.ID,
		ShortDescription: sarifText{Text: rule.Title},
		FullDescription:  sarifText{Text: rule.Why},
		Help: sarifText{
			Text:     rule.Why + "\n\nThis breaks it: " + rule.Example,
			Markdown: rule.Why + "\n\nThis breaks it:\n\n```json\n" + rule.Example + "\n```\n",
		},
		Configuration: configuration,
	}
}

// sarifMessage is what a finding says. "[text](target)" in a message is a link
// (section 3.11.6), so where a payload quotes one the brackets are escaped.
func sarifMessage(f validate.Issue) sarifText {
	text := messageWithHint(f)
	if strings.Contains(text, "](") {
		text = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(text)
	}
	return sarifText{Text: text}
}

// sarifLocations is the place of a finding; none when it has no file.
func sarifLocations(f validate.Issue) []sarifLocation {
	if f.File == "" {
		return []sarifLocation{}
	}
	at := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifactOf(f.File)}}
	if f.Line > 0 {
		at.Physical.Region = &sarifRegion{f.Line, f.Column}
	}
	if f.Pointer != "" {
		at.Logical = []sarifLogical{{f.Pointer}}
	}
	return []sarifLocation{at}
}

// sarifArtifactOf is a path as a URI: relative to the sources' root, unless
// the path is absolute.
func sarifArtifactOf(path string) sarifArtifact {
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(slashed, "/")}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: slashed}).String(), BaseID: "%SRCROOT%"}
}
