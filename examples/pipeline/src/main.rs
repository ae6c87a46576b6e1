//! Three stages joined by pipes, and a lock around their common output.
//!
//! `numbers` makes numbers, `squares` squares them, main adds them up. A stage ends after the stage before
//! it: when the other end of the pipe is gone, it reads the end of the file.

use isopod::{Error, Lock, Process, Receiver, Sender, one_way_pipe};

/// Makes the numbers from 1 to `last`.
fn numbers(last: u64, output: Sender<u64>, screen: Lock) -> Result<u64, Error> {
    for number in 1..=last {
        output.send(&number)?;
    }
    report(
        &screen,
        &["numbers: done", &format!("numbers: made {last}")],
    )?;
    Ok(last)
}

/// Squares each number that arrives.
fn squares(input: Receiver<u64>, output: Sender<u64>, screen: Lock) -> Result<u64, Error> {
    let mut count = 0;
    for number in &input {
        let number = number?;
        output.send(&(number * number))?;
        count += 1;
    }
    report(
        &screen,
        &["squares: done", &format!("squares: squared {count}")],
    )?;
    Ok(count)
}

/// Prints lines that belong together: no other process's line comes between them.
fn report(screen: &Lock, lines: &[&str]) -> Result<(), Error> {
    let _guard = screen.acquire()?;
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

#[isopod::main]
fn main() -> Result<(), Error> {
    let screen = Lock::new()?;
    let (number_receiver, number_sender) = one_way_pipe()?;
    let (square_receiver, square_sender) = one_way_pipe::<u64>()?;
    // The ends move into the stages. If main kept one of them, the stages would never end.
    let first = Process::builder()
        .name("numbers")
        .spawn(numbers, (1_000, number_sender, screen.clone()))?;
    let second = Process::builder()
        .name("squares")
        .spawn(squares, (number_receiver, square_sender, screen.clone()))?;

    let mut sum = 0;
    for square in &square_receiver {
        sum += square?;
    }
    let (made, squared) = (first.join()?, second.join()?);
    report(
        &screen,
        &[&format!(
            "main: {made} made, {squared} squared, their sum is {sum}"
        )],
    )
}
