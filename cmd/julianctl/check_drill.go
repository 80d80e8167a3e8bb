package main

import (
	"context"

	"github.com/spf13/cobra"
)

type drillFlags struct{ on bool }

func (f *drillFlags) declare(*cobra.Command) {}

func runDrill(context.Context, *app, checkOptions) error { return nil }
