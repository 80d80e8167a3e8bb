package journal

import (
	"context"
	"strings"

	"github.com/tidwall/gjson"
)

const (
	// wordsAtOnce is how many deliveries get into the search index in one
	// transaction, while others may wait.
	wordsAtOnce = 32
	// maxTalk is how many bytes of a transcript can be found.
	maxTalk = 1 << 20
)

// wordsOf is what can be searched for in a payload.
func wordsOf(payload []byte, c Contact) (people, talk string) {
	people = strings.Join([]string{c.Name, c.Phone, c.Agent}, "\n")
	if payload == nil {
		return people, ""
	}
	var parts []string
	for _, value := range gjson.GetManyBytes(payload, "callResult.summary", "callResult.transcription") {
		if value.Type == gjson.String {
			parts = append(parts, value.Str[:min(len(value.Str), maxTalk)])
		}
	}
	return people, strings.Join(parts, "\n")
}

// indexWordsOfSome takes the next deliveries of the table into the search
// index. It reports whether there may be more.
func indexWordsOfSome(ctx context.Context, c *conn, most int) (more bool, err error) {
	var done int64
	if err := c.scan(ctx, "SELECT worded FROM state", nil, &done); err != nil {
		return false, err
	}
	found, err := selectRows(ctx, c, Filter{After: done, Limit: most})
	if err != nil || len(found) == 0 {
		return false, err
	}
	var s segment
	for _, r := range found {
		d, header, err := s.record(ctx, c, r)
		if err != nil {
			return false, err
		}
		people, talk := wordsOf(payloadOf(d, header), r.Contact)
		if err := c.exec(ctx, "INSERT OR REPLACE INTO words (rowid, call_id, people, talk) VALUES (?, ?, ?, ?)", d.ID, d.CallID, people, talk); err != nil {
			return false, err
		}
	}
	return len(found) == most, c.exec(ctx, "UPDATE state SET worded = ?", found[len(found)-1].ID)
}
