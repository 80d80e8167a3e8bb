package safetext_test

import (
	"testing"

	"github.com/julianctl/julianctl/pkg/safetext"
)

func TestWithoutPasswords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"psql postgres://ann:s3cr@t@db:5432/x -c 'a'", "psql postgres://ann:***@db:5432/x -c 'a'"},
		{"REDIS_URL=redis://:s3cret@db", "REDIS_URL=redis://:***@db"},
		{"host=db password=s3cret user=x", "host=db password=*** user=x"},
		{"PGPASSWORD='s3 cret' psql", "PGPASSWORD=*** psql"},
		{"postgres://db/x?password=s3cret&a=b", "postgres://db/x?password=***&a=b"},
		{"http://127.0.0.1:8080/hook?by=a@b", "http://127.0.0.1:8080/hook?by=a@b"},
		{`"PGPASSWORD=$PW"`, `"PGPASSWORD=$PW"`},
		{"postgres://ann@db/x", "postgres://ann@db/x"},
	} {
		if got := safetext.WithoutPasswords(tt.in); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}
