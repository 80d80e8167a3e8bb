package main

import (
	"github.com/julianctl/julianctl/pkg/julian"
	"github.com/spf13/cobra"
)

func newSchemaCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:         "schema",
		Short:       "Print the JSON Schema of the payload (draft 2020-12)",
		Example:     "  julianctl schema > julian.schema.json",
		Args:        noArgs,
		Annotations: map[string]string{"config": "none"},
		RunE: func(*cobra.Command, []string) error {
			_, err := a.out.Write(julian.Schema())
			return err
		},
	}
}
