"""Code on a chain held against its source, by Sourcify's conventions and more strictly."""
