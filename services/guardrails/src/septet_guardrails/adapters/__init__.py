"""Policy files, packaged models and third-party detectors behind the service's ports."""
