package listen

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/julianctl/julianctl/pkg/cli"
	"github.com/julianctl/julianctl/pkg/receive"
	"github.com/spf13/cobra"
)

// answerFlags define the acknowledgement.
type answerFlags struct {
	status int
	body   string // or @FILE
}

func (f *answerFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&f.status, "status", receive.DefaultStatus, "status of the answer to a delivery; with --body the default is 200")
	flags.StringVar(&f.body, "body", "", "body of the answer, or @FILE; sent as application/json if it is JSON, else as text/plain")
}

// read completes the flags; statusGiven is false for the default status.
func (f *answerFlags) read(statusGiven bool) (body []byte, contentType string, err error) {
	if f.status < 200 || f.status > 599 {
		return nil, "", cli.UsageError(fmt.Errorf("--status %d is not a final status", f.status), "want 200 to 599")
	}
	if f.body == "" {
		return nil, "", nil
	}
	if !statusGiven {
		f.status = http.StatusOK
	}
	if f.status == http.StatusNoContent || f.status == http.StatusNotModified {
		return nil, "", cli.UsageError(fmt.Errorf("--status %d has no body, and there is --body", f.status), "")
	}
	body = []byte(f.body)
	if path, isFile := strings.CutPrefix(f.body, "@"); isFile {
		if body, err = os.ReadFile(path); err != nil {
			return nil, "", cli.UsageError(fmt.Errorf("--body: %w", err), "@ stands before the name of a file")
		}
	}
	if json.Valid(body) {
		return body, "application/json", nil
	}
	return body, "text/plain; charset=utf-8", nil
}
