`use = "file"`: documents are files in a directory ([Files as a capture point](../capture-file.md)), taken once they are finished, kept until the node has
them, moved to a processed or an error directory, and answered by files.
