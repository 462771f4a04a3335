"""`python -m crossnet_tf` is the program `crossnet`, where PATH lacks it."""

from crossnet_tf.cli import program

if __name__ == "__main__":
    program.main()
