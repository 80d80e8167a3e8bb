package receive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/julianctl/julianctl/pkg/copies"
	"github.com/julianctl/julianctl/pkg/record"
)

func TestMemoryIsBounded(t *testing.T) {
	m := newCopyCounter(10, 100)
	deliver := func(id, body string) string {
		d := received(record.Delivery{CallID: id})
		m.number(d, []byte(body))
		kind := copies.NoCopy
		if d.Copy > 1 {
			kind = m.compare(d.first, []byte(body)).Kind
		}
		return fmt.Sprint(d.Copy, " ", kind)
	}
	body := func(n int) string { return fmt.Sprintf("%-40d", n) } // two of them are held
	var got []string
	for i := range 3 {
		got = append(got, deliver(fmt.Sprint(i), body(i)))
	}
	got = append(got, deliver("0", body(0)), deliver("0", body(9)), deliver("2", body(2)), deliver("2", body(9)))
	for i := 3; i < 11; i++ {
		deliver(fmt.Sprint(i), body(i))
	}
	got = append(got, deliver("10", body(10)), deliver("6", body(6)), deliver("0", body(0)))
	want := []string{
		"1 ", "1 ", "1 ",
		"2 same", "3 unknown", // by its hash
		"2 same", "3 values",
		"2 same", "2 same", // after the older half was forgotten
		"4 unknown", // which still counts
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if m.bytes > m.maxBytes || len(m.firsts) > m.maxCalls || len(m.firsts) != len(m.order) {
		t.Errorf("%d bytes, %d firsts, %d in order", m.bytes, len(m.firsts), len(m.order))
	}
	held := int64(0)
	for _, first := range m.firsts {
		held += int64(cap(first.payload))
	}
	if held != m.bytes {
		t.Errorf("%d bytes held, %d counted", held, m.bytes)
	}
	// One too large to be held at all, and long ids.
	long := strings.Repeat("x", 1<<20)
	got = []string{deliver(long, long), deliver(long, long), deliver(long+"y", long), deliver("", "x"), deliver("", "x")}
	if d := cmp.Diff([]string{"1 ", "2 same", "1 ", "0 ", "0 "}, got); d != "" {
		t.Error(d)
	}
}
