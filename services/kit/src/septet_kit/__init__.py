"""The chassis every Septet service stands on."""
