package report

import (
	"math"
	"strconv"
)

// Overview is what an HTML report shows above its cases: the answer in one line, numbers,
// plots and tables. All text may quote an endpoint or a payload. The caller limits its
// size.
type Overview struct {
	Verdict  Verdict // empty: the worst of the cases
	Title    string  // the answer in one line; empty: the tally of the cases
	Figures  []Figure
	Facts    []Fact
	Next     []Fact // what to do next; may be empty
	Sections []Section
}

// Figure is a number that matters. Its verdict colours it, unless it is empty
// or [Pass].
type Figure struct {
	Name, Value string
	Verdict     Verdict
}

// Fact is a name and what is known of it, such as the target.
type Fact struct{ Name, Value string }

// Section is a part of a page: strips, plots, then a table, each of which may be
// absent.
type Section struct {
	Title  string
	Note   string // one or two sentences; may be empty
	Strips []Strip
	Plots  []Plot
	Table  Table
}

// Strip is a row of points, each of which went well or did not.
type Strip struct {
	Label  string
	Points []Point
}

// Point is one point of a strip.
type Point struct {
	Text    string // a few letters
	Verdict Verdict
}

// Table is a table. Rows after the first [Table.Open] are folded away; 0 means
// that none are.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Open    int
	More    string // what is not in it, such as "and 12 more"; may be empty
}

// Column is a column of a table; numbers stand to the right.
type Column struct {
	Name   string
	Number bool
}

// Cell is a cell of a table. Each line of its text stands in one of its own.
type Cell struct {
	Text    string
	Verdict Verdict // shown as a badge around the text; may be empty
	Code    bool    // text of machines: names of files, ids, answers
}

// Axis is what is measured along an axis of a plot, and how it is labelled.
type Axis string

// The axes.
const (
	Elapsed     Axis = "elapsed"    // along: seconds since the beginning
	Percentile  Axis = "percentile" // along: 0 to 100, each nine as wide as the one before
	Bytes       Axis = "bytes"      // along
	Number      Axis = "number"     // along
	Millisecond Axis = "ms"         // up
	Count       Axis = "count"      // up
	PerSecond   Axis = "rate"       // up
)

// Plot is a chart of series that share their X, which grow.
type Plot struct {
	Title  string   `json:"title"` // what it shows, for those who do not see it
	Along  Axis     `json:"x"`
	Up     Axis     `json:"y"`
	X      Values   `json:"-"`
	Series []Series `json:"series"` // a stack: from bottom to top
	Bands  []Band   `json:"bands,omitempty"`
	Marks  []Mark   `json:"marks,omitempty"`
	Stack  bool     `json:"stack,omitempty"`  // bars upon each other, in place of lines
	Step   float64  `json:"step,omitempty"`   // how far apart X are, where they are evenly apart
	Log    bool     `json:"log,omitempty"`    // up is logarithmic: nothing may be 0
	Half   bool     `json:"half,omitempty"`   // half as wide as the page, where that is wide
	Height int      `json:"height,omitempty"` // in pixels; 0: what suits most
	Sync   string   `json:"sync,omitempty"`   // plots with the same word share their cursor
}

// Series is one line of a plot, or one colour of a stack.
type Series struct {
	Label  string `json:"label"`
	Ink    Ink    `json:"ink"`
	Y      Values `json:"-"` // as many as there are X; NaN where nothing is known
	Dash   []int  `json:"dash,omitempty"`
	Dots   bool   `json:"dots,omitempty"`   // without a line between them
	Fill   int    `json:"fill,omitempty"`   // percent of the ink under the line
	Weight int    `json:"weight,omitempty"` // of the line, in pixels
}

// Band fills what is between two series.
type Band struct {
	Between [2]int `json:"between"` // numbers of series, from 0: the upper, the lower
	Ink     Ink    `json:"ink"`
	Fill    int    `json:"fill"` // percent of the ink
}

// Mark is a line across a plot, such as a limit.
type Mark struct {
	Label string  `json:"label"`
	At    float64 `json:"at"`
	Ink   Ink     `json:"ink"`
}

// Ink is a colour of pkg/page, in light and dark.
type Ink string

// The inks: five to tell series apart, and three that say how well it went.
const (
	Ink1    Ink = "data1"
	Ink2    Ink = "data2"
	Ink3    Ink = "data3"
	Ink4    Ink = "data4"
	Ink5    Ink = "data5"
	InkGood Ink = "data-good"
	InkWarn Ink = "data-warn"
	InkBad  Ink = "data-bad"
)

// Values are numbers of a plot. In JSON they have four digits, more than a
// screen shows, and what is not a number is null.
type Values []float64

// MarshalJSON implements [json.Marshaler].
func (v Values) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+7*len(v))
	b = append(b, '[')
	for i, x := range v {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, x, 'g', digits(x), 64)
	}
	return append(b, ']'), nil
}

// digits is how many are worth writing: all of a whole number, and the nines of
// a percentile.
func digits(x float64) int {
	switch {
	case x == math.Trunc(x) && math.Abs(x) < 1e15:
		return -1
	case 99 < x && x < 100:
		return 9
	}
	return 4
}
