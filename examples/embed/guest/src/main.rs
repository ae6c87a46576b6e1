//! Squares the numbers of one queue into another, with two processes.

use isopod::{Process, Queue};

fn square_all(numbers: Queue<u64>, squares: Queue<u64>) -> isopod::Result<()> {
    for number in &numbers {
        let number = number?;
        squares.put(&(number * number))?;
    }
    Ok(())
}

#[isopod::main]
fn main() -> isopod::Result<()> {
    let numbers: Queue<u64> = isopod::inherited("numbers")?;
    let squares: Queue<u64> = isopod::inherited("squares")?;
    let workers = [
        Process::spawn(square_all, (numbers.clone(), squares.clone()))?,
        Process::spawn(square_all, (numbers, squares))?,
    ];
    for worker in workers {
        worker.join()?;
    }
    println!("all numbers are squared");
    Ok(())
}
