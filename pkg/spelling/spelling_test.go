package spelling

import "testing"

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		word  string
		known []string
		want  string
	}{
		{"GOAL_COMPLETED", []string{"Goal Not Completed", "Goal Completed"}, "Goal Completed"},
		{"tpye", []string{"type", "depth"}, "type"},
		{"tpey", []string{"type", "depth"}, ""},
		{"Europe/Lodnon", []string{"Europe/Lisbon", "Europe/London", "America/New_York"}, "Europe/London"},
		{"callid", []string{"name", "callId"}, "callId"},
		{"", []string{"a"}, ""},
		{"x", []string{"y"}, ""},
		{"completed", []string{"Cancelled", "Goal Completed"}, ""},
	} {
		if got := Nearest(tt.word, tt.known); got != tt.want {
			t.Errorf("nearest to %q is %q, want %q", tt.word, got, tt.want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance of %q and %q is %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
