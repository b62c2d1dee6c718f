package runtimeapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// MemorySize returns the memory in bytes that the template of the repository at root gives to the
// function with the given logical id, with the parameters' default values.
func MemorySize(root, resource string) (int64, error) {
	template, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		return 0, err
	}
	// The following lines that are indented deeper, or empty, belong to it.
	property := func(id, line string) string {
		found := regexp.MustCompile(`(?m)^  ` + regexp.QuoteMeta(id) + `:\n(?:(?:    .*)?\n)*?` + line + `$`).FindSubmatch(template)
		if found == nil {
			return ""
		}
		return string(found[1])
	}
	size := property(resource, `      MemorySize: (\d+|!Ref \w+)`)
	if parameter, ok := strings.CutPrefix(size, "!Ref "); ok {
		size = property(parameter, `    Default: (\d+)`)
	}
	mebibytes, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the template gives no MemorySize to %s", resource)
	}
	return mebibytes << 20, nil
}

// PeakMemory returns the peak memory of a process in bytes, from Linux.
func PeakMemory(pid int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindSubmatch(status)
	if found == nil {
		return 0, errors.New("the process has ended, or this is not Linux")
	}
	kibibytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kibibytes << 10, err
}

// PeakMemory returns the peak memory of the running process in bytes.
func (f *Function) PeakMemory() (int64, error) {
	i := f.running.Load()
	if i == nil {
		return 0, errors.New("nothing was invoked yet")
	}
	return PeakMemory(i.process.Process.Pid)
}
