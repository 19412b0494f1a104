// Package report writes the lab's results as text, Markdown, CSV, JSON and a page with
// charts.
package report
