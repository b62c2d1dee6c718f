package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

func (versionCommand) Run(t terminal) error {
	view := struct {
		Version  string `json:"version"`
		Revision string `json:"revision,omitempty"`
		Go       string `json:"go"`
	}{"(devel)", "", runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" {
			view.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				view.Revision = s.Value
			}
		}
	}
	return t.print(view, func(w io.Writer) { fmt.Fprintln(w, "edgeauth", view.Version, view.Revision, view.Go) })
}
