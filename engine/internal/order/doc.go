// Package order is how deployments compare: the keys by which a search ranks them, the
// scans that find the lowest key, and the blocks by whose bounds a large group is searched.
// It knows counters, and no deployment, demand or group.
package order
