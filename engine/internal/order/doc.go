// Package order compares deployments: it has the keys by which a search ranks them, the
// scans that find the lowest key, and the blocks by whose bounds a large group is searched.
// It uses counters, but no deployment, demand or group.
package order
