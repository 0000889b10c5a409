"""``python -m septet_gateway`` runs the service."""

from septet_gateway.app import main

if __name__ == "__main__":
    main()
