package safetext_test

import (
	"fmt"

	"github.com/julianctl/julianctl/pkg/safetext"
)

func ExampleLine() {
	fmt.Println(safetext.Line("Zoë 👍🏽\x1b]0;owned\a\r\n::error::boom"))
	fmt.Println(safetext.Line("::error::boom"))
	// Output:
	// Zoë 👍🏽\x1b]0;owned\x07\r\n::error::boom
	// \x3a:error::boom
}

func ExampleFilename() {
	fmt.Println(safetext.Filename("call.abc123"))
	fmt.Println(safetext.Filename("../../etc/passwd"))
	// Output:
	// call.abc123
	// __.._etc_passwd~3754d6cb3a38
}
